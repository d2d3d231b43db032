"""Saliency: the absolute gradient of the score (Simonyan et al., arXiv 1312.6034)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unlearn_core.common.lazy_torch import Tensor
from unlearn_core.measuring.attribution.algorithms.base import Algorithm
from unlearn_core.measuring.attribution.settings import Settings

if TYPE_CHECKING:
    from unlearn_core.catalog.classifiers import Classifier


class Saliency(Algorithm):
    """The absolute gradient of the class's score at each pixel."""

    name = "saliency"
    title = "Saliency"
    reading = "How strongly the explained score reacts to a tiny change of each pixel, in either direction."
    is_quick = True
    is_general = True

    def explain(self, classifier: Classifier, pixels: Tensor, targets: Tensor, settings: Settings) -> Tensor:
        """Return absolute gradients, (n, c, h, w)."""
        from captum.attr import Saliency as CaptumSaliency

        return CaptumSaliency(classifier.module).attribute(pixels, target=targets)
