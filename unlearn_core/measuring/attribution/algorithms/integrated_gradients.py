"""Integrated gradients (Sundararajan et al., arXiv 1703.01365).

The path is cut into pieces. On a piece each activation has its mean slope, the ratio of differences, instead
of that at one point: with ReLU, whose slope jumps, maps then sum to the score's change, and are closer to
those of very many points than with midpoints. Where other parts of a network make this inexact, Captum's
midpoints are tried as well, at last four times as many.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from unlearn_core.common.budget import Budget
from unlearn_core.common.lazy_torch import Tensor, torch
from unlearn_core.measuring.attribution.algorithms.base import Algorithm
from unlearn_core.measuring.attribution.altered_copies import largest_batch
from unlearn_core.measuring.attribution.convergence import convergence_delta
from unlearn_core.measuring.attribution.settings import BASELINE, Settings, baseline_value

if TYPE_CHECKING:
    from unlearn_core.catalog.classifiers import Classifier

COMPLETE_WITHIN = 0.01
"""Pictures with a larger convergence delta get other maps."""
PIECES = Budget(32, 24)
MIDPOINTS = Budget(64, 48)
MANY_MIDPOINTS = Budget(256, 192)


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
    """Return the map of one picture, (1, c, h, w): the first that is complete, else the most complete one."""
    size, best = pixels.shape[-1], (float("inf"), pixels)
    ways = ((_with_mean_slopes, PIECES), (_with_midpoints, MIDPOINTS), (_with_midpoints, MANY_MIDPOINTS))
    for way, count in ways:
        maps = way(classifier, pixels, targets, baseline, count.of(size))
        missed = float(convergence_delta(classifier, pixels, targets, maps, baseline))
        best = min(best, (missed, maps), key=lambda one: one[0])
        if best[0] <= COMPLETE_WITHIN:
            break
    return best[1]


def _with_mean_slopes(
    classifier: Classifier, pixels: Tensor, targets: Tensor, baseline: float, pieces: int
) -> Tensor:
    """Return a map, (1, c, h, w)."""
    from unlearn_core.measuring.attribution.layer_rules import Rescale

    empty, most = torch.full_like(pixels, baseline), largest_batch(pixels)
    places = torch.linspace(0, 1, pieces + 1, device=pixels.device)
    total = torch.zeros_like(pixels)
    for first in range(0, pieces, most):
        some = places[first : first + most + 1]
        # Each point's reference is the one before it; the first one is there as a reference only.
        references = (torch.arange(len(some)) - 1).clamp(min=0)
        points = torch.lerp(empty, pixels, some.view(-1, 1, 1, 1)).requires_grad_()
        with torch.enable_grad(), Rescale(references):
            score = classifier.module(points)[1:, targets].sum()
            total += torch.autograd.grad(score, points)[0][1:].sum(0)
    return total / pieces * (pixels - empty)


def _with_midpoints(
    classifier: Classifier, pixels: Tensor, targets: Tensor, baseline: float, points: int
) -> Tensor:
    """Return a map, (1, c, h, w)."""
    from captum.attr import IntegratedGradients as CaptumIntegratedGradients

    return CaptumIntegratedGradients(classifier.module).attribute(
        pixels,
        baselines=baseline,
        target=targets,
        method="riemann_middle",
        n_steps=points,
        internal_batch_size=largest_batch(pixels),
    )
