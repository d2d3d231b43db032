"""Integrated gradients (Sundararajan et al., arXiv 1703.01365).

The path is cut into pieces. On a piece each activation has its mean slope, the ratio of differences, instead
of that at one point: with ReLU, whose slope jumps, maps then sum to the score's change, and are closer to
those of very many points than with midpoints. Where other parts of a network make this inexact, pieces whose
part of the map misses the score's change on them are halved.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from unlearn_core.common.budget import Budget
from unlearn_core.common.lazy_torch import Tensor, torch
from unlearn_core.measuring.attribution.algorithms.base import Algorithm
from unlearn_core.measuring.attribution.altered_copies import largest_batch
from unlearn_core.measuring.attribution.convergence import convergence_delta, score_change
from unlearn_core.measuring.attribution.settings import BASELINE, Settings, baseline_value

if TYPE_CHECKING:
    from unlearn_core.catalog.classifiers import Classifier

COMPLETE_WITHIN = 0.01
"""Pictures with a larger convergence delta get other maps."""
PIECES = Budget(32, 24)
MOST_PIECES = Budget(128, 96)
"""At once: there is no use in halving more."""
NARROWEST = 1e-6
"""Of a piece that is halved, as a share of the path."""


class IntegratedGradients(Algorithm):
    """The mean gradient on the path from the baseline to the picture, times their difference."""

    name = "integrated-gradients"
    title = "Integrated gradients"
    reading = (
        "How much each pixel increases (orange) or decreases (blue) the explained score "
        "compared with an empty picture."
    )
    settings = (BASELINE,)
    signed = True
    is_multiplied = True
    is_complete = True
    is_quick = True
    is_general = True

    def explain(self, classifier: Classifier, pixels: Tensor, targets: Tensor, settings: Settings) -> Tensor:
        """Return contributions, (n, c, h, w); a picture's map sums to the score's change."""
        baseline = baseline_value(pixels, settings)
        found = [
            _map(classifier, *one, baseline) for one in zip(pixels.split(1), targets.split(1), strict=True)
        ]
        return torch.cat(found)


def _map(classifier: Classifier, pixels: Tensor, targets: Tensor, baseline: float) -> Tensor:
    """Return the map of one picture, (1, c, h, w): the first that is complete, else the more complete one."""

    def missed(maps: Tensor) -> float:
        return float(convergence_delta(classifier, pixels, targets, maps, baseline))

    size = pixels.shape[-1]
    quick = _with_pieces(classifier, pixels, targets, baseline, PIECES.of(size))
    if missed(quick) <= COMPLETE_WITHIN:
        return quick
    slow = _with_halved_pieces(classifier, pixels, targets, baseline, PIECES.of(size), MOST_PIECES.of(size))
    return min(quick, slow, key=missed)


def _with_pieces(
    classifier: Classifier, pixels: Tensor, targets: Tensor, baseline: float, count: int
) -> Tensor:
    """Return a map, (1, c, h, w)."""
    empty, most = torch.full_like(pixels, baseline), largest_batch(pixels)
    places = torch.linspace(0, 1, count + 1, device=pixels.device)
    total = torch.zeros_like(pixels)
    for first in range(0, count, most):
        some = places[first : first + most + 1]
        # Each point's reference is the one before it; the first one is there as a reference only.
        references = (torch.arange(len(some)) - 1).clamp(min=0)
        points = torch.lerp(empty, pixels, some.view(-1, 1, 1, 1))
        total += _slopes(classifier, points, targets, references)[0][1:].sum(0)
    return total / count * (pixels - empty)


def _with_halved_pieces(
    classifier: Classifier, pixels: Tensor, targets: Tensor, baseline: float, count: int, most: int
) -> Tensor:
    """Return a map, (1, c, h, w); pieces that miss more than their share are halved, up to `most` at once."""
    total = torch.zeros_like(pixels)
    allowed = COMPLETE_WITHIN * float(score_change(classifier, pixels, targets, baseline).abs())
    ends = torch.linspace(0, 1, count + 1, device=pixels.device)
    pieces = torch.stack((ends[:-1], ends[1:]), 1)
    while len(pieces):
        some = pieces.split(max(1, largest_batch(pixels) // 2))
        found = [_of_pieces(classifier, pixels, targets, baseline, one) for one in some]
        maps, missed = (torch.cat(one) for one in zip(*found, strict=True))
        width = pieces[:, 1] - pieces[:, 0]
        # A score that jumps misses the same in pieces of any width.
        again = (missed > allowed * width) & (width > NARROWEST)
        if missed.sum() <= allowed or 2 * int(again.sum()) > most:
            again.zero_()
        total += maps[~again].sum(0)
        start, end = pieces[again].T
        middle = (start + end) / 2
        pieces = torch.cat((torch.stack((start, middle), 1), torch.stack((middle, end), 1)))
    return total


def _of_pieces(
    classifier: Classifier, pixels: Tensor, targets: Tensor, baseline: float, pieces: Tensor
) -> tuple[Tensor, Tensor]:
    """Return each piece's part of the map, (p, c, h, w), and what it misses of the score's change, (p,)."""
    points = torch.lerp(torch.full_like(pixels, baseline), pixels, pieces.view(-1, 1, 1, 1))
    # Start and end are each other's reference: where there is no rule, the mean of both slopes is right to
    # second order.
    slopes, scores = _slopes(classifier, points, targets, torch.arange(len(points)) ^ 1)
    maps = (slopes[::2] + slopes[1::2]) / 2 * (points[1::2] - points[::2])
    return maps, (maps.sum((1, 2, 3)) - (scores[1::2] - scores[::2])).abs()


def _slopes(
    classifier: Classifier, points: Tensor, targets: Tensor, references: Tensor
) -> tuple[Tensor, Tensor]:
    """Return each point's mean slopes from its reference, as points, and its score, (n,)."""
    from unlearn_core.measuring.attribution.layer_rules import Rescale

    with torch.enable_grad(), Rescale(references):
        leaf = points.detach().requires_grad_()
        scores = classifier.module(leaf)[:, targets].flatten()
        (slopes,) = torch.autograd.grad(scores.sum(), leaf)
    return slopes.detach(), scores.detach()
