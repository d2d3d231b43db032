"""bfloat16 arithmetic on devices with native support."""

from __future__ import annotations

from collections.abc import Callable, Set

from unlearn_core.common.devices import processor
from unlearn_core.common.lazy_torch import Tensor, nn, torch

Classify = Callable[[Tensor], Tensor]
"""Maps pixels (n, c, h, w) in [0, 1] to float32 logits (n, classes)."""


def pays(module: nn.Module, device: torch.device) -> bool:
    """Tell whether a classifier is faster in bfloat16 on a device, by what both are, never by a trial.

    So the same request gives the same result on the same machine. `anchor`'s option `bfloat16` overrides it.
    """
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return device.type == "cpu" and gains(module, _processor_facts())


def gains(module: nn.Module, facts: Set[str]) -> bool:
    """Tell whether a classifier is faster in bfloat16 on a processor, by what is true of it.

       `facts` are of `amx_tile`, `avx512_bf16`, `intel`. With AMX, or AVX512-BF16 of others than Intel, plain
    and grouped convolutions and linear layers gain, depthwise convolutions lose; with AMX transformers lose
    too (benchmarks/tried.md). Intel's AVX512-BF16 is as fast as float32; a virtual machine may hide AMX.
    """
    if "amx_tile" in facts:
        return not any(_is_depthwise(layer) or _is_of_transformer(layer) for layer in module.modules())
    fast = "avx512_bf16" in facts and "intel" not in facts
    return fast and not any(_is_depthwise(layer) for layer in module.modules())


def _processor_facts() -> frozenset[str]:
    """Return what is true of this processor; a torch that does not say leaves it at float32."""
    tests = {"amx_tile": "_is_amx_tile_supported", "avx512_bf16": "_is_avx512_bf16_supported"}
    true = {fact for fact, test in tests.items() if getattr(torch.cpu, test, bool)()}
    return frozenset(true | ({"intel"} if "Intel" in processor() else set()))


def _is_depthwise(layer: nn.Module) -> bool:
    return isinstance(layer, nn.Conv2d) and 1 < layer.groups == layer.in_channels


def _is_of_transformer(layer: nn.Module) -> bool:
    return isinstance(layer, (nn.LayerNorm, nn.MultiheadAttention))


def in_bfloat16(module: Classify) -> Classify:
    """Return a function that computes logits with bfloat16 products; the weights stay float32."""

    def logits(pixels: Tensor) -> Tensor:
        with torch.autocast(pixels.device.type, torch.bfloat16):
            found: Tensor = module(pixels)
        return found.float()

    return logits
