"""What is known of a network from where it comes."""

from dataclasses import dataclass, field
from typing import Any

from torch import nn

from unlearn_core.catalog.custom.build_network import TIMM, split_architecture

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass
class Origin:
    """A network with its properties; None if unknown.

    `arguments` are those of its constructor, a JSON object; `parts` names the networks of its file, if there
    are several, and `part` is this one; `findings` are sentences about it.
    """

    network: nn.Module
    architecture: str
    weights: str
    classes: int
    channels: int
    input_size: int
    licence: str = "not stated"
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    class_names: tuple[str, ...] | None = None
    arguments: str = "{}"
    parts: tuple[str, ...] = ()
    part: str = ""
    findings: list[str] = field(default_factory=list)


def usual_settings(architecture: str) -> dict[str, Any]:
    """Return the default input size, mean and standard deviation of an architecture."""
    kind, name = split_architecture(architecture)
    if kind == TIMM:
        import timm

        settings = timm.get_pretrained_cfg(name)
        if settings is not None:
            return {"input_size": settings.input_size[1], "mean": settings.mean, "std": settings.std}
        return {"input_size": 224, "mean": IMAGENET_MEAN, "std": IMAGENET_STD}
    import torchvision.models as models

    looks = models.get_model_weights(name).DEFAULT.transforms()
    return {"input_size": looks.crop_size[0], "mean": tuple(looks.mean), "std": tuple(looks.std)}
