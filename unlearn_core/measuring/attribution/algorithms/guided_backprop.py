"""Guided backpropagation (Springenberg et al., arXiv 1412.6806)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unlearn_core.catalog.entries import ClassifierEntry
from unlearn_core.common.lazy_torch import Tensor
from unlearn_core.measuring.attribution.algorithms.base import Algorithm, unless_plain_relu
from unlearn_core.measuring.attribution.settings import Settings

if TYPE_CHECKING:
    from unlearn_core.catalog.classifiers import Classifier


class GuidedBackprop(Algorithm):
    """The gradient with negative values set to 0 at each ReLU of the backward pass."""

    name = "guided-backprop"
    title = "Guided backpropagation"
    reading = "The gradient along positive paths only. It shows edges even of untrained networks."

    def why_wrong(self, classifier: ClassifierEntry) -> str | None:
        """Return a reason if an activation is not a separate ReLU: Captum's rule ignores others."""
        return unless_plain_relu(classifier)

    def explain(self, classifier: Classifier, pixels: Tensor, targets: Tensor, settings: Settings) -> Tensor:
        """Return guided gradients, (n, c, h, w)."""
        from captum.attr import GuidedBackprop as CaptumGuidedBackprop

        return CaptumGuidedBackprop(classifier.module).attribute(pixels, target=targets)
