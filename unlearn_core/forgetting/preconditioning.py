"""Preconditioning: smaller steps for weights that are important for the retained outputs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from unlearn_core.common.lazy_torch import Tensor, nn, torch
from unlearn_core.forgetting.importance import mean_gradient

PROBES, PROBE_BATCH = 32, 8
LONGEST = 10.0
"""Largest scale of a step, for weights of little importance."""
_FLOOR = 1e-3


def sparing_scales(
    module: nn.Module,
    batches: Iterable[Callable[[], Tensor]],
    count: int,
    exponent: float,
    generator: torch.Generator,
    check: Callable[[], None],
) -> list[Tensor]:
    """Return for every trainable parameter, in its shape, the scale of each weight's step, at most `LONGEST`.

    The importance of a weight is its effect on the logits: the diagonal of the Gauss-Newton matrix of their
    squared difference, estimated by random projections of the logits (Hutchinson's estimator; Martens 2020,
    arXiv 1412.1193, section 8). At the mean importance of its tensor the scale is 1.

    Args:
        module: the classifier, in eval mode.
        batches: functions for the logits (n, classes) of retained pictures; one backward pass each.
        count: number of batches.
        exponent: 1 divides by the importance, 0.5 by its square root, 0 changes nothing.
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
    """Return Adam with steps scaled per weight, after its normalisation, which would undo an earlier scaling.

    Args:
        parameters: of the module.
        rate: step size at scale 1.
        scales: one per parameter, in its shape.
    """
    moved = list(parameters)
    before: list[Tensor] = []

    def remember(*_: Any) -> None:
        before[:] = [parameter.detach().clone() for parameter in moved]

    def scale_step(*_: Any) -> None:
        with torch.no_grad():
            for parameter, old, scale in zip(moved, before, scales, strict=True):
                torch.lerp(old, parameter, scale, out=parameter)

    optimiser = torch.optim.Adam(moved, rate, fused=True)
    optimiser.register_step_pre_hook(remember)
    optimiser.register_step_post_hook(scale_step)
    return optimiser
