"""What reading a damaged or missing file raises, and the sentence that it becomes."""

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from unlearn_core.errors import UserError

DAMAGED = (OSError, ValueError, KeyError, RuntimeError, EOFError, zipfile.BadZipFile, zlib.error)
"""What numpy, zipfile and JSON raise for a file that is missing, cut off or not what it should be."""


@contextmanager
def damaged_becomes(sentence: str) -> Iterator[None]:
    """Raise `UserError` with this sentence for a file that cannot be read inside."""
    try:
        yield
    except DAMAGED as error:
        raise UserError(sentence) from error
