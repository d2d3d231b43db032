"""Integrated gradients (Sundararajan et al., arXiv 1703.01365).

Captum's implementation with midpoints, and a finer path for pictures with a large convergence delta.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from unlearn_core.common.budget import SMALL
from unlearn_core.common.lazy_torch import Tensor
from unlearn_core.measuring.attribution.algorithms.base import Algorithm
from unlearn_core.measuring.attribution.altered_copies import largest_batch
from unlearn_core.measuring.attribution.convergence import convergence_delta
from unlearn_core.measuring.attribution.settings import BASELINE, Settings, baseline_value

if TYPE_CHECKING:
    from unlearn_core.catalog.classifiers import Classifier

COMPLETE_WITHIN = 0.01
"""Pictures with a larger convergence delta get a finer path."""
PATH_STEPS, PHOTO_PATH_STEPS = (64, 256), (48,)
"""Points on the path from the baseline: first, then refined. Photos are too slow for a refinement."""


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

    def explain(self, classifier: Classifier, pixels: Tensor, targets: Tensor, settings: Settings) -> Tensor:
        """Return contributions, (n, c, h, w); a picture's map sums to the score's change."""
        baseline = baseline_value(pixels, settings)
        steps = PATH_STEPS if pixels.shape[-1] <= SMALL else PHOTO_PATH_STEPS
        maps, delta = _path_integral(classifier, pixels, targets, baseline, steps[0])
        for finer in steps[1:]:
            rough = (delta > COMPLETE_WITHIN).nonzero().flatten()
            if len(rough):
                maps[rough], delta[rough] = _path_integral(
                    classifier, pixels[rough], targets[rough], baseline, finer
                )
        return maps


def _path_integral(
    classifier: Classifier, pixels: Tensor, targets: Tensor, baseline: float, steps: int
) -> tuple[Tensor, Tensor]:
    """Return the maps and their convergence deltas."""
    from captum.attr import IntegratedGradients as CaptumIntegratedGradients

    maps = CaptumIntegratedGradients(classifier.module).attribute(
        pixels,
        baselines=baseline,
        target=targets,
        # Midpoints are most accurate with the kinks of ReLU.
        method="riemann_middle",
        n_steps=steps,
        internal_batch_size=largest_batch(pixels),
    )
    return maps, convergence_delta(classifier, pixels, targets, maps, baseline)
