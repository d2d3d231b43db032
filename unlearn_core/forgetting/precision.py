"""Arithmetic in bfloat16, where a device is built for it and forgetting loses nothing by it."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

Classify = Callable[[Tensor], Tensor]
"""Takes pixels (n, c, h, w) in [0, 1] to float32 logits (n, classes)."""


def pays(device: torch.device) -> bool:
    """Tell whether a device multiplies bfloat16 natively: NVIDIA's from Ampere, Intel's with AMX."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return device.type == "cpu" and torch.cpu._is_amx_tile_supported()


def in_bfloat16(module: nn.Module) -> Classify:
    """Return a classifier whose convolutions and products are done in bfloat16, weights staying float32."""

    def logits(pixels: Tensor) -> Tensor:
        with torch.autocast(pixels.device.type, torch.bfloat16):
            found: Tensor = module(pixels)
        return found.float()

    return logits
