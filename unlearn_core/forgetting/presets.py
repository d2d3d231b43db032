"""Options of the paper's experiments by benchmark (arXiv 2301.11578, the authors' scripts)."""

from dataclasses import dataclass

from unlearn_core.errors import UserError
from unlearn_core.forgetting.registry import method_entry


@dataclass(frozen=True)
class Preset:
    """One benchmark of the paper; other options keep their defaults."""

    title: str
    radius: float
    examples: int
    adversarial_batch: int
    forget_batch: int


PRESETS = {
    "cifar10-resnet18": Preset("CIFAR-10, ResNet-18", 4.0, 20, 256, 32),
    "cifar100-resnet50": Preset("CIFAR-100, ResNet-50", 4.0, 200, 256, 32),
    "cifar100-vit": Preset("CIFAR-100, ViT", 4.0, 200, 512, 32),
    "imagenet-resnet50": Preset("ImageNet-1K, ResNet-50", 4.0, 200, 128, 16),
    "utkface-resnet18": Preset("UTKFace age groups, ResNet-18", 2.0, 300, 128, 128),
}


def preset_options(name: str, method: str) -> dict[str, float | int]:
    """Return the options of a preset that the method has.

    Raises:
        UserError: an unknown preset, or a method that is not from the paper.
    """
    if name not in PRESETS:
        raise UserError(f"There is no preset {name}; available: {', '.join(PRESETS)}.")
    if method not in ("neggrad", "adv", "adv+imp"):
        raise UserError(f"Preset {name} is for the methods neggrad, adv and adv+imp, not for {method}.")
    numbers = {key: value for key, value in vars(PRESETS[name]).items() if key != "title"}
    known = {option.name for option in method_entry(method).options}
    return {key: value for key, value in numbers.items() if key in known}
