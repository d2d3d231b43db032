"""DeepLIFT (Shrikumar et al., arXiv 1704.02685)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unlearn_core.catalog.entries import ClassifierEntry
from unlearn_core.common.lazy_torch import Tensor, torch
from unlearn_core.measuring.attribution.algorithms.base import Algorithm, unless_measured
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
    is_multiplied = True
    is_complete = True
    is_quick = True

    def why_wrong(self, classifier: ClassifierEntry) -> str | None:
        """Return a reason if it was not measured and an activation is not a ReLU."""
        return unless_measured(classifier)

    def explain(self, classifier: Classifier, pixels: Tensor, targets: Tensor, settings: Settings) -> Tensor:
        """Return contributions, (n, c, h, w); a picture's map sums to the score's change."""
        from unlearn_core.measuring.attribution.layer_rules import Rescale

        empty = torch.full_like(pixels[:1], baseline_value(pixels, settings))
        batch = torch.cat([empty, pixels]).detach().requires_grad_()
        with torch.enable_grad(), Rescale(torch.zeros(len(batch), dtype=torch.long)):
            scores = classifier.module(batch)[1:].gather(1, targets[:, None])
            (multipliers,) = torch.autograd.grad(scores.sum(), batch)
        return multipliers[1:] * (pixels - empty)
