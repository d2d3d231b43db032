"""Imports without garbage collection."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def lasting_imports() -> Iterator[None]:
    """Look for no garbage meanwhile, nor later in what is there at the end: what is imported stays."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
