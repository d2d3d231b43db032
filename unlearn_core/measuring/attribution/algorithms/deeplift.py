"""DeepLIFT (Shrikumar et al., arXiv 1704.02685)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unlearn_core.catalog.entries import ClassifierEntry
from unlearn_core.common.lazy_torch import Tensor, torch
from unlearn_core.measuring.attribution.algorithms.base import Algorithm, unless_plain_relu
from unlearn_core.measuring.attribution.settings import BASELINE, Settings, baseline_value

if TYPE_CHECKING:
    from unlearn_core.catalog.classifiers import Classifier


class DeepLift(Algorithm):
    """Differences from the baseline's activations, propagated back by the rescale rule."""

    name = "deeplift"
    title = "DeepLIFT"
    reading = "Contribution of each pixel's difference from an empty picture, propagated back layer by layer."
    settings = (BASELINE,)
    signed = True
    is_complete = True
    is_quick = True

    def why_wrong(self, classifier: ClassifierEntry) -> str | None:
        """Return a reason if an activation is not a separate ReLU: Captum's rules ignore others."""
        return unless_plain_relu(classifier)

    def explain(self, classifier: Classifier, pixels: Tensor, targets: Tensor, settings: Settings) -> Tensor:
        """Return contributions, (n, c, h, w); a picture's map sums to the score's change."""
        from captum.attr import DeepLift as CaptumDeepLift

        empty = torch.full_like(pixels, baseline_value(pixels, settings))
        return CaptumDeepLift(classifier.module).attribute(pixels, baselines=empty, target=targets)
