"""The choice of a torch device, and what fits on it."""

from __future__ import annotations

import platform
from pathlib import Path

from unlearn_core.common.lazy_torch import nn, torch
from unlearn_core.errors import UserError

ACCELERATORS = ["cuda", "mps", "xpu"]
"""Kinds of devices, as torch names them, in the order in which they are chosen."""

_MEMORY_OF_A_BATCH, _LARGEST_FACTOR = 2 << 30, 16
"""Bytes that a batch of a CPU's size takes at most, with gradients of a large network; and a limit."""


def choose_device(name: str) -> torch.device:
    """Return the device `name`; `auto` is the first accelerator that is available, else the CPU.

    An unavailable device raises `UserError`.
    """
    available = [kind for kind in ACCELERATORS if torch.get_device_module(kind).is_available()] + ["cpu"]
    if name not in ("auto", *available):
        raise UserError(f"This machine has no {name} device.")
    return torch.device(available[0] if name == "auto" else name)


def device_of(module: nn.Module) -> torch.device:
    """Return the device of a network's weights; without any, the CPU."""
    return next((weights.device for weights in module.parameters()), torch.device("cpu"))


def batch_for(device: torch.device, size: int) -> int:
    """Return the pictures of a batch where `size` suit a CPU: more with more free memory of a GPU."""
    if device.type != "cuda":
        return size
    free, _ = torch.cuda.mem_get_info(device)
    return size * max(1, min(_LARGEST_FACTOR, free // _MEMORY_OF_A_BATCH))


def give_back_memory() -> None:
    """Return unused memory of an accelerator to it, for other processes."""
    if torch.cuda.is_initialized():
        torch.cuda.empty_cache()
    elif torch.backends.mps.is_available():
        torch.mps.empty_cache()


def describe(device: torch.device) -> str:
    """Return a description of the device, such as `cuda (NVIDIA A100)`."""
    if device.type == "cuda":
        return f"cuda ({torch.cuda.get_device_name(device)})"
    return f"{device.type} ({processor()}, {torch.get_num_threads()} threads)"


def processor() -> str:
    """Return the processor's model name on Linux, else what Python knows of it."""
    facts = Path("/proc/cpuinfo")
    lines = facts.read_text(encoding="utf-8").splitlines() if facts.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
