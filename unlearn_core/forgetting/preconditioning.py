"""Steps that spare the weights which matter to what should be kept, and move the others further."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

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
    importance = mean_gradient(module, scalars, count, Tensor.square, check)
    return [
        (values / values.mean().clamp_min(1e-30) + _FLOOR).pow(-exponent).clamp_max(LONGEST)
        for values in importance.values()
    ]


class SparingAdam(torch.optim.Adam):
    """Adam whose steps are scaled weight by weight, after its own scaling, which would undo one before it.

    Args:
        parameters: of the module.
        rate: size of a step where the scale is 1.
        scales: one a parameter, in its shape.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], rate: float, scales: list[Tensor]) -> None:
        self._moved = list(parameters)
        self._scales = scales
        super().__init__(self._moved, rate)

    def step(self, closure: Any = None) -> Any:
        """Take one step."""
        before = [parameter.detach().clone() for parameter in self._moved]
        loss = super().step(closure)
        with torch.no_grad():
            for parameter, old, scale in zip(self._moved, before, self._scales, strict=True):
                parameter.copy_(old + scale * (parameter - old))
        return loss
