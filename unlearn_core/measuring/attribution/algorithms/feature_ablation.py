"""Feature ablation: the tiles of a grid are replaced by the baseline one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unlearn_core.common.lazy_torch import Tensor, torch
from unlearn_core.measuring.attribution.algorithms.base import Algorithm
from unlearn_core.measuring.attribution.altered_copies import copies_at_once, skipping_equal
from unlearn_core.measuring.attribution.settings import BASELINE, PATCHES, Settings, baseline_value

if TYPE_CHECKING:
    from unlearn_core.catalog.classifiers import Classifier


class FeatureAblation(Algorithm):
    """The decrease of the class's score when a tile is replaced, assigned to each of its pixels."""

    name = "feature-ablation"
    title = "Feature ablation"
    reading = "How much the explained score falls (orange) or rises (blue) when a tile of a grid is emptied."
    settings = (BASELINE, PATCHES)
    signed = True
    is_multiplied = True
    is_general = True

    def explain(self, classifier: Classifier, pixels: Tensor, targets: Tensor, settings: Settings) -> Tensor:
        """Return differences of the score, (n, c, h, w), constant within a tile."""
        from captum.attr import FeatureAblation as CaptumFeatureAblation

        grid = PATCHES.of(settings)
        rows = torch.arange(pixels.shape[-2]) * grid // pixels.shape[-2]
        columns = torch.arange(pixels.shape[-1]) * grid // pixels.shape[-1]
        tiles = (rows[:, None] * grid + columns).expand(1, *pixels.shape[1:]).to(pixels.device)
        return CaptumFeatureAblation(skipping_equal(classifier, pixels)).attribute(
            pixels,
            baselines=baseline_value(pixels, settings),
            target=targets,
            feature_mask=tiles,
            perturbations_per_eval=copies_at_once(pixels),
        )
