"""The convergence delta: what a map that should add up to a change of the score misses of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unlearn_core.common.lazy_torch import Tensor, torch

if TYPE_CHECKING:
    from unlearn_core.catalog.classifiers import Classifier


def convergence_delta(
    classifier: Classifier, pixels: Tensor, targets: Tensor, maps: Tensor, baseline: float
) -> Tensor:
    """Return the share of the score's change from the baseline that each map misses or invents, (n,).

    Captum gives the difference itself; as a share of the change, pictures can be compared.

    Args:
        classifier: that the maps explain.
        pixels: (n, c, h, w).
        targets: int64 (n,).
        maps: (n, c, h, w).
        baseline: the value of all its pixels.
    """
    rows, empty = torch.arange(len(pixels)), torch.full_like(pixels[:1], baseline)
    with torch.no_grad():
        change = classifier.module(pixels)[rows, targets] - classifier.module(empty)[0, targets]
        return (maps.sum((1, 2, 3)) - change).abs() / change.abs().clamp_min(1e-9)
