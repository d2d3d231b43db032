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
    """The gradient with all that is negative left out on its way back through each ReLU."""

    name = "guided-backprop"
    title = "Guided backpropagation"
    reading = "The gradient along paths that speak for the class alone. It shows edges whatever was learned."

    def why_wrong(self, classifier: ClassifierEntry) -> str | None:
        """Return a reason where an activation is not a ReLU of its own, which Captum's rule passes over."""
        return unless_plain_relu(classifier)

    def explain(self, classifier: Classifier, pixels: Tensor, targets: Tensor, settings: Settings) -> Tensor:
        """Return guided gradients, (n, c, h, w)."""
        from captum.attr import GuidedBackprop as CaptumGuidedBackprop

        return CaptumGuidedBackprop(classifier.module).attribute(pixels, target=targets)
