"""Input × gradient (Shrikumar et al., arXiv 1605.01713)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unlearn_core.common.lazy_torch import Tensor
from unlearn_core.measuring.attribution.algorithms.base import Algorithm
from unlearn_core.measuring.attribution.settings import Settings

if TYPE_CHECKING:
    from unlearn_core.catalog.classifiers import Classifier


class InputXGradient(Algorithm):
    """The gradient of the class's score times the pixel's value."""

    name = "input-x-gradient"
    title = "Input × gradient"
    reading = "The pixel's value times the gradient: its contribution in a linear approximation."
    signed = True
    is_multiplied = True
    is_quick = True
    is_general = True

    def explain(self, classifier: Classifier, pixels: Tensor, targets: Tensor, settings: Settings) -> Tensor:
        """Return products, (n, c, h, w)."""
        from captum.attr import InputXGradient as CaptumInputXGradient

        return CaptumInputXGradient(classifier.module).attribute(pixels, target=targets)
