"""Weights rounded to few bits, as in quantised models: rounding may undo forgetting (arXiv 2410.16454)."""

from __future__ import annotations

from unlearn_core.common.lazy_torch import Tensor, nn, torch


def rounded_weights(module: nn.Module, bits: int) -> dict[str, Tensor]:
    """Return the weight matrices and kernels of a module by name, each rounded to `bits` bits.

    Symmetric, to the nearest, with one scale per output channel; biases and normalisation are not rounded
    (Nagel et al., arXiv 2106.08295, section 2.2).
    """
    levels = 2 ** (bits - 1) - 1
    found = {}
    with torch.no_grad():
        for name, weight in module.named_parameters():
            if weight.dim() > 1:
                scale = weight.abs().amax(tuple(range(1, weight.dim())), keepdim=True) / levels
                found[name] = (weight / scale.clamp_min(1e-12)).round() * scale
    return found
