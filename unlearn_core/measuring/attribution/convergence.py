"""The convergence delta of maps that should sum to a change of the score."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unlearn_core.common.lazy_torch import Tensor, torch

if TYPE_CHECKING:
    from unlearn_core.catalog.classifiers import Classifier


def convergence_delta(
    classifier: Classifier, pixels: Tensor, targets: Tensor, maps: Tensor, baseline: float
) -> Tensor:
    """Return the difference of each map's sum and the score's change from the baseline, (n,).

    Unlike Captum's, it is a share of the change, so that pictures are comparable.

    Args:
        classifier: explained by the maps.
        pixels: (n, c, h, w).
        targets: int64 (n,).
        maps: (n, c, h, w).
        baseline: value of all its pixels.
    """
    change = score_change(classifier, pixels, targets, baseline)
    return (maps.detach().sum((1, 2, 3)) - change).abs() / change.abs().clamp_min(1e-9)


def score_change(classifier: Classifier, pixels: Tensor, targets: Tensor, baseline: float) -> Tensor:
    """Return the difference of each picture's score and that of the baseline, (n,); arguments as above."""
    rows, empty = torch.arange(len(pixels)), torch.full_like(pixels[:1], baseline)
    with torch.no_grad():
        return classifier.module(pixels)[rows, targets] - classifier.module(empty)[0, targets]
