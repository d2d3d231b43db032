"""Where the tensors live."""

import platform

import torch

from unlearn_core.errors import UserError


def choose_device(name: str) -> torch.device:
    """Return the device called `name`; `auto` takes cuda, then mps, then cpu.

    A device that this machine lacks raises `UserError`.
    """
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        name = next(kind for kind, here in available.items() if here)
    if not available.get(name, False):
        raise UserError(f"This machine has no {name} device.")
    return torch.device(name)


def describe(device: torch.device) -> str:
    """Return the device in words, such as `cuda (NVIDIA A100)`."""
    if device.type == "cuda":
        return f"cuda ({torch.cuda.get_device_name(device)})"
    return f"{device.type} ({platform.processor() or platform.machine()}, {torch.get_num_threads()} threads)"
