"""Steps that spare the weights which matter to what should be kept, and move the others further."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from unlearn_core.common.lazy_torch import Tensor, nn, torch
from unlearn_core.forgetting.importance import mean_gradient

PROBES, PROBE_BATCH = 64, 8
LONGEST = 10.0
"""How much further than usual a weight may move that hardly matters."""
_FLOOR = 1e-3


def sparing_scales(
    module: nn.Module,
    batches: Iterable[Callable[[], Tensor]],
    count: int,
    exponent: float,
    generator: torch.Generator,
    check: Callable[[], None],
) -> list[Tensor]:
    """Return for every trainable parameter, in its shape, how far each weight moves in a step, to `LONGEST`.

    A weight matters as much as moving it would change the logits: the diagonal of the Gauss-Newton matrix of
    their squared difference, estimated by random projections of the logits (Hutchinson's estimator; Martens
    2020, arXiv 1412.1193, section 8). Where it matters as much as its tensor's mean it moves by 1.

    Args:
        module: the classifier, in eval mode.
        batches: give the logits (n, classes) of pictures that should be kept; one backward pass each.
        count: how many there are.
        exponent: 1 divides by the importance, 0.5 by its root, 0 leaves every step as it is.
        generator: of the projections.
        check: called before every batch; may raise to stop.
    """

    def projected(logits: Callable[[], Tensor]) -> Tensor:
        values = logits()
        return (values * torch.randn(values.shape, generator=generator).to(values.device)).sum()

    scalars = ((lambda batch=batch: projected(batch)) for batch in batches)
    importance = mean_gradient(module, scalars, count, torch.Tensor.square, check)
    return [
        (values / values.mean().clamp_min(1e-30) + _FLOOR).pow(-exponent).clamp_max(LONGEST)
        for values in importance.values()
    ]


def sparing_adam(
    parameters: Iterable[nn.Parameter], rate: float, scales: list[Tensor]
) -> torch.optim.Optimizer:
    """Return Adam with steps scaled weight by weight, after its own scaling, which would undo one before it.

    Args:
        parameters: of the module.
        rate: size of a step where the scale is 1.
        scales: one per parameter, in its shape.
    """
    moved = list(parameters)
    before: list[Tensor] = []

    def remember(*_: Any) -> None:
        before[:] = [parameter.detach().clone() for parameter in moved]

    def scale_step(*_: Any) -> None:
        with torch.no_grad():
            for parameter, old, scale in zip(moved, before, scales, strict=True):
                parameter.copy_(old + scale * (parameter - old))

    optimiser = torch.optim.Adam(moved, rate)
    optimiser.register_step_pre_hook(remember)
    optimiser.register_step_post_hook(scale_step)
    return optimiser
