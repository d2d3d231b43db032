"""bfloat16 arithmetic on devices with native support."""

from __future__ import annotations

from collections.abc import Callable

from unlearn_core.common.lazy_torch import Tensor, nn, torch

Classify = Callable[[Tensor], Tensor]
"""Maps pixels (n, c, h, w) in [0, 1] to float32 logits (n, classes)."""


def pays(module: nn.Module, device: torch.device) -> bool:
    """Return whether a network is faster in bfloat16 on a device.

    This needs native multiplication: NVIDIA GPUs from Ampere, Intel CPUs with AMX. On the latter plain
    convolutions gain, depthwise ones and transformers lose (benchmarks/tried.md).
    """
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type != "cpu" or not torch.cpu._is_amx_tile_supported():
        return False
    return not any(_gains_nothing(layer) for layer in module.modules())


def _gains_nothing(layer: nn.Module) -> bool:
    """Return whether a layer is a depthwise convolution or part of a transformer."""
    if isinstance(layer, nn.Conv2d):
        return 1 < layer.groups == layer.in_channels
    return isinstance(layer, (nn.LayerNorm, nn.MultiheadAttention))


def in_bfloat16(module: nn.Module) -> Classify:
    """Return a function that computes logits with bfloat16 products; the weights stay float32."""

    def logits(pixels: Tensor) -> Tensor:
        with torch.autocast(pixels.device.type, torch.bfloat16):
            found: Tensor = module(pixels)
        return found.float()

    return logits
