"""Occlusion (Zeiler and Fergus, arXiv 1311.2901)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unlearn_core.common.lazy_torch import Tensor
from unlearn_core.measuring.attribution.algorithms.base import Algorithm
from unlearn_core.measuring.attribution.altered_copies import copies_at_once, skipping_equal
from unlearn_core.measuring.attribution.settings import BASELINE, PATCHES, Settings, baseline_value

if TYPE_CHECKING:
    from unlearn_core.catalog.classifiers import Classifier


class Occlusion(Algorithm):
    """The decrease of the class's score when a patch is covered, averaged over the patches on each pixel."""

    name = "occlusion"
    title = "Occlusion"
    reading = "How much the explained score falls (orange) or rises (blue) when a patch is covered."
    settings = (BASELINE, PATCHES)
    signed = True
    is_multiplied = True
    is_general = True

    def explain(self, classifier: Classifier, pixels: Tensor, targets: Tensor, settings: Settings) -> Tensor:
        """Return mean differences of the score, (n, c, h, w)."""
        from captum.attr import Occlusion as CaptumOcclusion

        side, patches = pixels.shape[-1], PATCHES.of(settings)
        window, stride = max(1, side // patches), max(1, side // (2 * patches))
        return CaptumOcclusion(skipping_equal(classifier, pixels)).attribute(
            pixels,
            sliding_window_shapes=(pixels.shape[1], window, window),
            strides=(pixels.shape[1], stride, stride),
            baselines=baseline_value(pixels, settings),
            target=targets,
            perturbations_per_eval=copies_at_once(pixels),
        )
