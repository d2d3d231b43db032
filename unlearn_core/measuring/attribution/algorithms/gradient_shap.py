"""GradientSHAP (Lundberg and Lee, arXiv 1705.07874; Erion et al., arXiv 1906.10670)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unlearn_core.common.lazy_torch import Tensor, torch
from unlearn_core.measuring.attribution.algorithms.base import Algorithm
from unlearn_core.measuring.attribution.altered_copies import NOISY_COPIES, with_equal_noise
from unlearn_core.measuring.attribution.settings import BASELINE, NOISE, Settings, baseline_value

if TYPE_CHECKING:
    from unlearn_core.catalog.classifiers import Classifier


class GradientShap(Algorithm):
    """Gradients at random points between noisy baselines and the picture, times their difference."""

    name = "gradient-shap"
    title = "GradientSHAP"
    reading = "Like integrated gradients, but with noisy baselines and random points on the path."
    settings = (BASELINE, NOISE)
    signed = True
    is_multiplied = True
    is_general = True

    def explain(self, classifier: Classifier, pixels: Tensor, targets: Tensor, settings: Settings) -> Tensor:
        """Return expected products of gradient and difference, (n, c, h, w)."""
        from captum.attr import GradientShap as CaptumGradientShap

        def one(picture: Tensor, target: Tensor) -> Tensor:
            return CaptumGradientShap(classifier.module).attribute(
                picture,
                baselines=torch.full_like(picture, baseline_value(pixels, settings)),
                n_samples=NOISY_COPIES,
                stdevs=NOISE.of(settings),
                target=target,
            )

        return with_equal_noise(one, pixels, targets)
