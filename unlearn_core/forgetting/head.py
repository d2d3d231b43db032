"""The linear layer that ends a classifier, and the features that it reads."""

from __future__ import annotations

from unlearn_core.common.lazy_torch import Tensor, nn, torch
from unlearn_core.errors import UserError


def linear_head(module: nn.Module, pixels: Tensor, title: str) -> nn.Linear:
    """Return the linear layer whose outputs are the logits.

    Args:
        module: in eval mode.
        pixels: (n, c, h, w), pictures to find it with.
        title: of the method that asks, for the `UserError` if there is no such layer.
    """
    outputs: dict[nn.Linear, Tensor] = {}

    def keep(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        assert isinstance(layer, nn.Linear)
        outputs[layer] = output

    hooks = [layer.register_forward_hook(keep) for layer in module.modules() if isinstance(layer, nn.Linear)]
    try:
        with torch.no_grad():
            logits = module(pixels)
    finally:
        for hook in hooks:
            hook.remove()
    for layer, output in outputs.items():
        if torch.equal(output, logits):
            return layer
    raise UserError(
        f"{title} works on the features before a last linear layer, but this classifier does not end in one: "
        "choose another method."
    )


def with_features(module: nn.Module, head: nn.Linear, pixels: Tensor) -> tuple[Tensor, Tensor]:
    """Return the inputs of the head (n, d) and the logits (n, classes), with their gradients."""
    seen: list[Tensor] = []
    hook = head.register_forward_pre_hook(lambda layer, inputs: seen.append(inputs[0]))
    try:
        logits = module(pixels)
    finally:
        hook.remove()
    return seen[-1], logits
