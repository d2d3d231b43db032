"""Adding a custom classifier: build it, check it, write it as plain tensors."""

import hashlib
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn

from unlearn_core.catalog.custom.build_network import FILE, build
from unlearn_core.catalog.custom.checkpoint import check_fit, read_checkpoint
from unlearn_core.catalog.custom.introspect import find_cam_layers, has_plain_relu
from unlearn_core.catalog.custom.resolve_classifier import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    count_classes,
    names_for,
    origin_of,
)
from unlearn_core.catalog.records.classifier_record import (
    MOST_ADDED,
    RECORD,
    WEIGHTS,
    ClassifierSpecification,
    CustomClassifier,
    check_name,
    custom_classifier,
    custom_classifier_folder,
    custom_classifiers,
)
from unlearn_core.catalog.shipped.architectures import Normalised
from unlearn_core.common.files import atomic_write
from unlearn_core.errors import UserError


def prepare(specification: ClassifierSpecification) -> tuple[CustomClassifier, nn.Module]:
    """Return the record and module of a classifier after building, loading and checking; nothing is stored.

    Raises:
        UserError: an invalid source, number or name.
    """
    origin = origin_of(specification)
    seen = count_classes(origin.network, origin.channels, origin.input_size)
    origin.classes = origin.classes or seen
    if seen != origin.classes:
        raise UserError(f"The network returns {seen} logits per picture, not {origin.classes}.")
    class_names, wordnet_ids = names_for(origin, specification.class_names)
    grey = origin.channels == 1
    usual: tuple[tuple[float, ...], tuple[float, ...]]
    usual = ((0.5,), (0.5,)) if grey else (IMAGENET_MEAN, IMAGENET_STD)
    if origin.mean and origin.std and len(origin.mean) in (1, origin.channels):
        usual = (origin.mean, origin.std)
    mean, std = specification.mean or usual[0], specification.std or usual[1]
    mean, std = (_per_channel(values, origin.channels) for values in (mean, std))
    if min(std) <= 0:
        raise UserError("Every standard deviation must be above 0.")
    module = Normalised(origin.network, mean, std).eval()
    for tensor_name, tensor in module.state_dict().items():
        if not tensor.isfinite().all():
            raise UserError(f"{tensor_name} of the network has NaN or infinite values.")
    record = CustomClassifier(
        name=check_name(specification.name or _default_name(specification.source)),
        architecture=origin.architecture,
        source=_shown(specification.source),
        weights=origin.weights,
        licence=origin.licence,
        channels=origin.channels,
        input_size=origin.input_size,
        mean=mean,
        std=std,
        class_names=class_names,
        wordnet_ids=wordnet_ids,
        cam_layers=find_cam_layers(module, origin.channels, origin.input_size),
        plain_relu=has_plain_relu(module),
        parameters=sum(weight.numel() for weight in module.parameters()),
    )
    return record, module


def add_classifier(root: Path, specification: ClassifierSpecification, visitor: str = "") -> str:
    """Add a classifier to the catalog of the store at `root` and return its name.

    A name that is taken or an invalid specification raises `UserError`, and nothing changes.

    Args:
        root: of the store.
        specification: of the classifier.
        visitor: its owner on a shared server.
    """
    from unlearn_core.catalog.entries import classifiers

    if visitor and sum(one.visitor == visitor for one in custom_classifiers(root)) >= MOST_ADDED:
        raise UserError(f"You have added {MOST_ADDED} classifiers already: remove one first.")
    record, module = prepare(specification)
    if record.name in [entry.name for entry in classifiers()]:
        raise UserError(f"There is already a classifier {record.name}: choose another name, or remove it.")
    folder = custom_classifier_folder(root, record.name)
    tensors = {name: t.contiguous().clone() for name, t in module.state_dict().items()}
    try:
        with atomic_write(folder) as half:
            half.mkdir()
            save_file(tensors, half / WEIGHTS)
            digest = hashlib.sha256((half / WEIGHTS).read_bytes()).hexdigest()[:24]
            record = record.model_copy(update={"digest": digest, "visitor": visitor})
            (half / RECORD).write_text(record.model_dump_json(), encoding="utf-8")
    except OSError as error:
        raise UserError(f"The classifier cannot be saved: {error.strerror or error}.") from error
    return record.name


def load_custom_classifier(root: Path, record: CustomClassifier) -> nn.Module:
    """Return a new copy of a custom classifier; damaged weights raise `UserError`."""
    network = build(record.architecture, len(record.class_names), record.channels, record.input_size)
    module = Normalised(network, record.mean, record.std)
    tensors = read_checkpoint(custom_classifier_folder(root, record.name) / WEIGHTS)
    check_fit(tensors, module.state_dict(), f"The stored weights of {record.name} do not fit")
    module.load_state_dict(tensors, strict=False)
    return module


def check_same(root: Path, name: str, specification: ClassifierSpecification) -> None:
    """Raise `UserError` if the classifier of this name has other weights than the specification."""
    record = custom_classifier(root, name)
    if record is not None:
        architecture = specification.architecture or record.architecture
        specification = specification.model_copy(
            update={"architecture": architecture, "input_size": record.input_size}
        )
    asked = prepare(specification)[1].state_dict()
    known = {} if record is None else load_custom_classifier(root, record).state_dict()
    if not all(key in known and torch.equal(tensor, known[key]) for key, tensor in asked.items()):
        raise UserError(
            f"There is already a classifier {name} with other weights: add yours under another name."
        )


def _per_channel(values: tuple[float, ...], channels: int) -> tuple[float, ...]:
    if len(values) not in (1, channels):
        raise UserError(f"Mean and standard deviation need {channels} numbers each, one per channel.")
    if not all(torch.isfinite(torch.tensor(values))):
        raise UserError("Mean and standard deviation must be finite.")
    return values if len(values) == channels else values * channels


def _default_name(source: str) -> str:
    kind, _, rest = source.partition(":")
    return Path(rest).stem if kind == FILE else source


def _shown(source: str) -> str:
    """Return the source without paths of this machine."""
    kind, _, rest = source.partition(":")
    return f"{FILE}:{Path(rest).name}" if kind == FILE else source
