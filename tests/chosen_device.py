"""The kind of device that a test lets the machine have."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from unlearn_core.common.devices import ACCELERATORS

PRETEND = "pretend"
"""The device of `pretend_device.py`."""


@contextmanager
def only(kind: str) -> Iterator[torch.device]:
    """Let this machine have one kind of device, besides the CPU."""
    others = ACCELERATORS.copy()
    ACCELERATORS[:] = [kind] if kind != "cpu" else []
    try:
        yield torch.device(kind)
    finally:
        ACCELERATORS[:] = others
