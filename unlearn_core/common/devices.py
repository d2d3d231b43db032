"""The choice of a torch device."""

import platform
from pathlib import Path

import torch

from unlearn_core.errors import UserError


def choose_device(name: str) -> torch.device:
    """Return the device `name`; `auto` is the first available of cuda, mps and cpu.

    An unavailable device raises `UserError`.
    """
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        name = next(kind for kind, here in available.items() if here)
    if not available.get(name, False):
        raise UserError(f"This machine has no {name} device.")
    return torch.device(name)


def describe(device: torch.device) -> str:
    """Return a description of the device, such as `cuda (NVIDIA A100)`."""
    if device.type == "cuda":
        return f"cuda ({torch.cuda.get_device_name(device)})"
    return f"{device.type} ({_processor()}, {torch.get_num_threads()} threads)"


def _processor() -> str:
    """Return the processor's model name on Linux, else what Python knows of it."""
    facts = Path("/proc/cpuinfo")
    lines = facts.read_text(encoding="utf-8").splitlines() if facts.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
