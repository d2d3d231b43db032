"""Writing tensors: safetensors says in an error of its own what elsewhere is one of the system."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

from safetensors import SafetensorError

_NUMBER = re.compile(r"\(os error (\d+)\)")


@contextmanager
def writing_tensors() -> Iterator[None]:
    """Raise `OSError` for a safetensors file that cannot be written, such as on a full disk."""
    try:
        yield
    except SafetensorError as error:
        found = _NUMBER.search(str(error))
        if found is None:
            raise
        raise OSError(int(found[1]), os.strerror(int(found[1]))) from error
