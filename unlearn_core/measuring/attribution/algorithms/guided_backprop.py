"""Guided backpropagation (Springenberg et al., arXiv 1412.6806)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unlearn_core.catalog.entries import ClassifierEntry
from unlearn_core.common.lazy_torch import Tensor, torch
from unlearn_core.measuring.attribution.algorithms.base import Algorithm, unless_measured
from unlearn_core.measuring.attribution.settings import Settings

if TYPE_CHECKING:
    from unlearn_core.catalog.classifiers import Classifier


class GuidedBackprop(Algorithm):
    """The gradient with negative values set to 0 at each ReLU of the backward pass."""

    name = "guided-backprop"
    title = "Guided backpropagation"
    reading = "The gradient along positive paths only. It shows edges even of untrained networks."

    def why_wrong(self, classifier: ClassifierEntry) -> str | None:
        """Return a reason if it was not measured and an activation is not a ReLU."""
        return unless_measured(classifier)

    def why_unsound(self, classifier: Classifier, pixels: Tensor) -> str | None:
        """Return a reason if there is no ReLU, or another activation."""
        from unlearn_core.measuring.attribution.layer_rules import Guided

        with torch.no_grad(), Guided() as rule:
            classifier.module(pixels[:1])
        others = sorted(rule.met - {"relu"})
        if others:
            return f"has a rule for ReLU only; this classifier also uses {', '.join(others)}."
        return None if rule.met else "has a rule for ReLU only; this classifier uses none."

    def explain(self, classifier: Classifier, pixels: Tensor, targets: Tensor, settings: Settings) -> Tensor:
        """Return guided gradients, (n, c, h, w)."""
        from unlearn_core.measuring.attribution.layer_rules import Guided

        with torch.enable_grad(), Guided():
            first = pixels.detach().requires_grad_()
            scores = classifier.module(first).gather(1, targets[:, None])
            (gradients,) = torch.autograd.grad(scores.sum(), first)
        return gradients
