"""Weight importance: MAS (Aljundi et al., arXiv 1711.09601; 2301.11578, section 3.3).

The text has Ω = mean over x of |∂‖f(x)‖₂ / ∂θ|, here `mas_importance`. The code of the authors of 2301.11578
takes the absolute value of the mean gradient of a batch, in train mode: here `batch_importance`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import deepcopy

from unlearn_core.common.lazy_torch import Tensor, nn, torch
from unlearn_core.forgetting.train_mode import in_train_mode

Importance = dict[str, Tensor]


def mas_importance(module: nn.Module, pixels: Tensor, check: Callable[[], None] = lambda: None) -> Importance:
    """Return Ω = mean over x of |∂‖f(x)‖₂ / ∂θ| for every trainable parameter, in its shape.

    Args:
        module: in eval mode.
        pixels: (n, c, h, w) in [0, 1]; one backward pass each.
        check: called before every picture; may raise to stop.
    """
    scalars = ((lambda picture=picture: module(picture).norm()) for picture in pixels.split(1))
    return mean_gradient(module, scalars, len(pixels), torch.Tensor.abs, check)


def batch_importance(
    module: nn.Module, pixels: Tensor, batch: int, check: Callable[[], None] = lambda: None
) -> Importance:
    """Return Ω = mean over batches of |∂ mean ‖f(x)‖₂ / ∂θ|, weighted by their sizes, in train mode.

    Measured on a copy, as in the authors' code, so that the module keeps its BatchNorm statistics.

    Args:
        module: of the parameters.
        pixels: (n, c, h, w) in [0, 1].
        batch: pictures in each batch, the last may have fewer; one backward pass each.
        check: called before every batch; may raise to stop.
    """
    copy = deepcopy(module)
    scalars = (
        (lambda part=part: copy(part).norm(dim=1).mean() * (len(part) / len(pixels)))
        for part in pixels.split(batch)
    )
    with in_train_mode(copy):
        return mean_gradient(copy, scalars, 1, torch.Tensor.abs, check)


def mean_gradient(
    module: nn.Module,
    scalars: Iterable[Callable[[], Tensor]],
    count: int,
    size: Callable[[Tensor], Tensor],
    check: Callable[[], None],
) -> Importance:
    """Return the mean size of the gradients of `count` scalars, for every trainable parameter.

    It is 0 for a parameter that a scalar does not depend on, such as that of a head that is not used.

    Args:
        module: of the parameters.
        scalars: functions that compute a scalar with the module; one backward pass each.
        count: number of scalars.
        size: elementwise, such as the absolute value or the square.
        check: called before every scalar; may raise to stop.
    """
    parameters = {name: p for name, p in module.named_parameters() if p.requires_grad}
    total = {name: torch.zeros_like(parameter) for name, parameter in parameters.items()}
    for scalar in scalars:
        check()
        gradients = torch.autograd.grad(scalar(), list(parameters.values()), materialize_grads=True)
        for accumulated, gradient in zip(total.values(), gradients, strict=True):
            accumulated += size(gradient) / count
    return total


def min_max_scaled(importance: Importance) -> Importance:
    """Return each tensor scaled to [0, 1]; a constant tensor becomes 0."""
    scaled = {}
    for name, values in importance.items():
        spread = values.max() - values.min()
        scaled[name] = torch.where(spread > 0, (values - values.min()) / spread.clamp_min(1e-38), 0.0)
    return scaled


class ImportancePenalty:
    """λ/2 · Σ (1 − Ω)(θ − θ₀)²: penalises changes of weights that are unimportant for the forget set.

    Args:
        module: with the weights θ₀.
        importance: Ω, to be scaled.
        strength: λ.
    """

    def __init__(self, module: nn.Module, importance: Importance, strength: float) -> None:
        scaled = min_max_scaled(importance)
        self._strength = strength
        self._held = {name: 1 - values for name, values in scaled.items()}
        self._start = {name: parameter.detach().clone() for name, parameter in module.named_parameters()}

    def __call__(self, module: nn.Module) -> Tensor:
        """Return the penalty of the module's current weights, a scalar."""
        parts = [
            (self._held[name] * (parameter - self._start[name]) ** 2).sum()
            for name, parameter in module.named_parameters()
            if name in self._held
        ]
        return self._strength / 2 * torch.stack(parts).sum()
