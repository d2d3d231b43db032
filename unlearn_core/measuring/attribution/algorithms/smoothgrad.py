"""SmoothGrad: saliency averaged over noisy copies (Smilkov et al., arXiv 1706.03825)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unlearn_core.common.budget import Budget
from unlearn_core.common.lazy_torch import Tensor
from unlearn_core.measuring.attribution.algorithms.base import Algorithm
from unlearn_core.measuring.attribution.altered_copies import NOISY_COPIES, with_equal_noise
from unlearn_core.measuring.attribution.settings import NOISE, Settings

if TYPE_CHECKING:
    from unlearn_core.catalog.classifiers import Classifier

_AT_ONCE = Budget(NOISY_COPIES, 2)


class SmoothGrad(Algorithm):
    """The mean absolute gradient over noisy copies of the picture."""

    name = "smoothgrad"
    title = "SmoothGrad"
    reading = "Saliency averaged over noisy copies of the picture, which suppresses noise in the map."
    settings = (NOISE,)
    is_general = True

    def explain(self, classifier: Classifier, pixels: Tensor, targets: Tensor, settings: Settings) -> Tensor:
        """Return mean absolute gradients, (n, c, h, w)."""
        from captum.attr import NoiseTunnel, Saliency

        def one(picture: Tensor, target: Tensor) -> Tensor:
            return NoiseTunnel(Saliency(classifier.module)).attribute(
                picture,
                nt_type="smoothgrad",
                nt_samples=NOISY_COPIES,
                nt_samples_batch_size=_AT_ONCE.of(pixels.shape[-1]),
                stdevs=NOISE.of(settings),
                target=target,
            )

        return with_equal_noise(one, pixels, targets)
