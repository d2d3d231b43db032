"""Integrated gradients (Sundararajan et al., arXiv 1703.01365).

Captum's own, with midpoints, and with a finer path for pictures whose convergence delta is large.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from unlearn_core.common.budget import SMALL
from unlearn_core.common.lazy_torch import Tensor
from unlearn_core.measuring.attribution.algorithms.base import Algorithm
from unlearn_core.measuring.attribution.altered_copies import LARGEST_BATCH
from unlearn_core.measuring.attribution.convergence import convergence_delta
from unlearn_core.measuring.attribution.settings import BASELINE, Settings, baseline_value

if TYPE_CHECKING:
    from unlearn_core.catalog.classifiers import Classifier

COMPLETE_WITHIN = 0.01
"""A picture whose map has a larger convergence delta than this gets a finer path."""
PATH_STEPS, PHOTO_PATH_STEPS = (64, 256), (48,)
"""Points on the path from the baseline: the first try, then finer ones. Photos take too long for two."""


class IntegratedGradients(Algorithm):
    """The mean gradient on the way from the baseline to the picture, times that way."""

    name = "integrated-gradients"
    title = "Integrated gradients"
    reading = (
        "How much each pixel adds to the class's score (orange) or takes from it (blue), "
        "compared with an empty picture."
    )
    settings = (BASELINE,)
    is_complete = True
    is_quick = True

    def explain(self, classifier: Classifier, pixels: Tensor, targets: Tensor, settings: Settings) -> Tensor:
        """Return what each value adds, (n, c, h, w); a picture's map sums to the score's change."""
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
        # Midpoints cope best with the kinks of ReLU.
        method="riemann_middle",
        n_steps=steps,
        internal_batch_size=LARGEST_BATCH.of(pixels.shape[-1]),
    )
    return maps, convergence_delta(classifier, pixels, targets, maps, baseline)
