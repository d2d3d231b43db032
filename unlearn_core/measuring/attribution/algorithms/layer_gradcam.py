"""Grad-CAM (Selvaraju et al., arXiv 1610.02391), at the default or another layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unlearn_core.catalog.entries import ClassifierEntry
from unlearn_core.common.lazy_torch import Tensor, torch
from unlearn_core.measuring.attribution.algorithms.base import Algorithm
from unlearn_core.measuring.attribution.settings import Settings

if TYPE_CHECKING:
    from unlearn_core.catalog.classifiers import Classifier


_NO_LAYER = "needs a layer with spatial outputs; this classifier has none."


class LayerGradCam(Algorithm):
    """A layer's channels, each weighted by the mean gradient of the class's score in it."""

    name = "layer-gradcam"
    title = "Grad-CAM"
    reading = "Regions that increase the explained score, at the last layer with spatial resolution."
    is_quick = True

    def __init__(self, layer: str | None = None) -> None:
        self._layer = layer
        if layer is not None:
            self.name = f"{LayerGradCam.name}:{layer}"
            self.title = f"{LayerGradCam.title} at {layer.removeprefix('network.')}"
            self.is_quick = False

    def why_wrong(self, classifier: ClassifierEntry) -> str | None:
        """Return a reason if no layer has outputs with spatial dimensions."""
        return None if classifier.cam_layers else _NO_LAYER

    def why_unsound(self, classifier: Classifier, pixels: Tensor) -> str | None:
        """Return the same reason: which layers these are was measured."""
        return None if classifier.cam_layers else _NO_LAYER

    def other_layers(self, classifier: ClassifierEntry) -> tuple[str, ...]:
        """Return all such layers except the first, which is the default."""
        return classifier.cam_layers[1:]

    def at_layer(self, layer: str) -> LayerGradCam:
        """Return Grad-CAM at another layer."""
        return LayerGradCam(layer)

    def explain(self, classifier: Classifier, pixels: Tensor, targets: Tensor, settings: Settings) -> Tensor:
        """Return the weighted channels above 0, enlarged to the picture's size, (n, 1, h, w)."""
        from unlearn_core.catalog.custom.introspect import channel_axis

        name, kept = self._layer or classifier.cam_layers[0], list[Tensor]()
        layer = classifier.module.get_submodule(name)
        # Captum takes the second axis for the channels; networks such as Swin have them last.
        hook = layer.register_forward_hook(lambda layer, inputs, output: kept.append(output))
        try:
            with torch.enable_grad():
                logits = classifier.module(pixels.detach().requires_grad_())
                (gradients,) = torch.autograd.grad(logits.gather(1, targets[:, None]).sum(), kept[-1])
        finally:
            hook.remove()
        axis = channel_axis(classifier.module, name, kept[-1].shape, pixels[:1])
        outputs, gradients = (one.detach().movedim(axis, 1) for one in (kept[-1], gradients))
        maps = (outputs * gradients.mean((2, 3), keepdim=True)).sum(1, keepdim=True).relu()
        return torch.nn.functional.interpolate(maps, tuple(pixels.shape[-2:]), mode="bilinear")
