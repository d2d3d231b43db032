"""Turns the errors of reading a damaged or missing file into a `UserError`."""

import struct
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from unlearn_core.errors import UserError

DAMAGED = (
    *(OSError, ValueError, KeyError, RuntimeError, EOFError, OverflowError),
    *(zipfile.BadZipFile, zlib.error, struct.error, tokenize.TokenError),
)
"""Exceptions of numpy, zipfile and JSON for a file that is missing, truncated or of another format."""


@contextmanager
def damaged_becomes(sentence: str) -> Iterator[None]:
    """Raise `UserError` with this sentence if a file cannot be read in the block."""
    try:
        yield
    except DAMAGED as error:
        raise UserError(sentence) from error
