"""Adding a custom classifier: build it, check it, write it as plain tensors."""

import copy
import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from unlearn_core.catalog.custom.behaviour import find_output, is_same, real_pictures, takes_channels_last
from unlearn_core.catalog.custom.build_network import FILE, build, is_function, without_caches
from unlearn_core.catalog.custom.checkpoint import check_fit, read_checkpoint
from unlearn_core.catalog.custom.introspect import find_cam_layers
from unlearn_core.catalog.custom.origin import IMAGENET_MEAN, IMAGENET_STD, Origin
from unlearn_core.catalog.custom.outputs import FINDINGS, Adapted, OneOutput
from unlearn_core.catalog.custom.parts import without_training_heads
from unlearn_core.catalog.custom.resolve_classifier import names_for, origin_of
from unlearn_core.catalog.records.classifier_record import (
    MOST_ADDED,
    RECORD,
    WEIGHTS,
    ClassifierSpecification,
    CustomClassifier,
    Output,
    check_name,
    custom_classifier,
    custom_classifier_folder,
    custom_classifiers,
    default_name,
)
from unlearn_core.common.files import atomic_write
from unlearn_core.common.load_tensors import load_tensors
from unlearn_core.common.surroundings import usual_surroundings
from unlearn_core.common.tensor_files import writing_tensors
from unlearn_core.errors import UserError, first_line

_CHANGE = 1.25
"""Factor of all weights, to see whether a network follows them."""


@usual_surroundings()
def prepare(specification: ClassifierSpecification) -> tuple[CustomClassifier, nn.Module]:
    """Return the record and module of a classifier after building, loading and checking; nothing is stored.

    The module is built again from the record and the tensors, as a kept one is.

    Raises:
        UserError: an invalid source, number or name, a network that is no function from a picture to logits,
            or one that cannot be built again.
    """
    origin = origin_of(specification)
    mean, std = _normalisation(origin, specification)
    if origin.channels not in (1, 3):
        raise UserError(f"The network takes {origin.channels} channels; pictures have 1 or 3.")
    pixels = real_pictures(origin.channels, origin.input_size)
    output, seen = _used_once(OneOutput(without_caches(origin.network), mean, std).eval(), pixels)
    origin.classes = seen if origin.classes <= 1 else origin.classes
    if seen != origin.classes:
        raise UserError(f"The network returns {seen} logits per picture, not {origin.classes}.")
    class_names, wordnet_ids = names_for(origin, specification.class_names)
    channels_last = takes_channels_last(Adapted(origin.network, mean, std, output).eval(), pixels[:2])
    module = Adapted(origin.network, mean, std, output, channels_last).eval()
    record = CustomClassifier(
        name=check_name(specification.name or default_name(specification.source)),
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
        cam_layers=find_cam_layers(module, pixels[:2]),
        parameters=sum(weight.numel() for weight in module.parameters()),
        arguments=origin.arguments,
        output=output,
        channels_last=channels_last,
        parts=origin.parts,
        part=origin.part,
        findings=(*origin.findings, *_findings(module, output)),
    )
    tensors = module.state_dict()
    record = record.model_copy(update={"digest": _digest(tensors)})
    rebuilt = _loaded(record, tensors)
    _check_rebuilt(module, rebuilt, pixels, record.architecture)
    if is_function(record.architecture):
        _check_follows(module, record, tensors, pixels)
    return record, rebuilt


def _used_once(plain: OneOutput, pixels: Tensor) -> tuple[Output, int]:
    """Return what `find_output` finds; a network that cannot be kept raises `UserError`."""
    own = plain.state_dict()
    _check_tensors(own)
    found = find_output(plain, pixels)
    if plain.state_dict().keys() != own.keys():
        raise UserError("The network adds layers when it is first used: call it on a picture before.")
    return found


def _check_tensors(tensors: Mapping[str, Any]) -> None:
    for name, tensor in tensors.items():
        if name.endswith("_extra_state"):
            raise UserError(f"{name} of the network is no tensor, so it could not be kept (get_extra_state).")
        if not isinstance(tensor, Tensor) or tensor.is_quantized:
            raise UserError(f"{name} of the network is quantised: give the network as it was before.")
        if tensor.is_complex():
            raise UserError(f"{name} of the network has complex values, which no method here can change.")
        if not tensor.isfinite().all():
            raise UserError(f"{name} of the network has NaN or infinite values.")


def _normalisation(
    origin: Origin, specification: ClassifierSpecification
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and standard deviation per channel: given ones, the origin's own, or the usual ones."""
    usual: tuple[tuple[float, ...], tuple[float, ...]]
    usual = ((0.5,), (0.5,)) if origin.channels == 1 else (IMAGENET_MEAN, IMAGENET_STD)
    if origin.mean and origin.std and len(origin.mean) in (1, origin.channels):
        usual = (origin.mean, origin.std)
    if specification.mean and max(specification.mean) > 1:
        raise UserError("Mean and standard deviation are those of pixels in [0, 1]: divide yours by 255.")
    mean, std = specification.mean or usual[0], specification.std or usual[1]
    mean, std = (_per_channel(values, origin.channels) for values in (mean, std))
    if min(std) <= 0:
        raise UserError("Every standard deviation must be above 0.")
    return mean, std


def _findings(module: Adapted, output: Output) -> list[str]:
    """Return what there is to say of a network's output and of its frozen weights."""
    weights = list(module.parameters())
    frozen = [weight for weight in weights if not weight.requires_grad]
    if len(frozen) == len(weights):
        raise UserError(
            "Every weight of the network is frozen (requires_grad is False): nothing could be forgotten."
        )
    found = []
    if module.taken:
        found.append(f"The network returns several things; of these, {module.taken} is taken for the logits.")
    if output in FINDINGS:
        found.append(FINDINGS[output])
    if frozen:
        found.append(f"{len(frozen)} of {len(weights)} weight tensors are frozen and stay as they are.")
    return found


def _check_rebuilt(tried: nn.Module, rebuilt: nn.Module, pixels: Tensor, architecture: str) -> None:
    """Raise `UserError` if a network says something else after it was built again from its tensors.

    Or if it cannot be copied, as every run does.
    """
    try:
        copy.deepcopy(rebuilt)
    # A user's network may have anything in it.
    except Exception as error:
        raise UserError(f"The network cannot be copied: {first_line(error)}.") from error
    with torch.no_grad():
        first, second = tried(pixels), rebuilt(pixels)
    if not is_same(first, second):
        raise UserError(
            f"The network cannot be kept: {architecture} with the same tensors gives other logits, by up to "
            f"{float((first - second).abs().max()):.2g}, so something else than its tensors differs."
        )


def _check_follows(
    used: nn.Module, record: CustomClassifier, tensors: Mapping[str, Tensor], pixels: Tensor
) -> None:
    """Raise `UserError` if a network that was used says something else with changed weights than a new one.

    So do networks that keep what they calculated from their weights: a run would measure another one than it
    stores. The weights of `used` are changed.
    """
    changed = {
        name: tensor * _CHANGE if tensor.is_floating_point() else tensor for name, tensor in tensors.items()
    }
    new = _loaded(record, changed)
    load_tensors(used, changed, strict=False)
    with torch.no_grad():
        said, expected = used(pixels), new(pixels)
        if expected.isfinite().all() and not is_same(said, expected):
            raise UserError(
                "The network keeps something of the weights of its first call, and does not follow when they "
                "change: calculate it anew at each call."
            )


def _digest(tensors: Mapping[str, Tensor]) -> str:
    """Return a text that identifies tensors with their names."""
    digest = hashlib.sha256()
    for name, tensor in tensors.items():
        digest.update(name.encode())
        digest.update(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()[:24]


def _as_they_are(record: CustomClassifier, module: nn.Module) -> CustomClassifier:
    return record


@usual_surroundings()
def add_classifier(
    root: Path,
    specification: ClassifierSpecification,
    visitor: str = "",
    examined: Callable[[CustomClassifier, nn.Module], CustomClassifier] = _as_they_are,
) -> str:
    """Add a classifier to the catalog of the store at `root` and return its name.

    A name that is taken or an invalid specification raises `UserError`, and nothing changes.

    Args:
        root: of the store.
        specification: of the classifier.
        visitor: its owner on a shared server.
        examined: returns the record with what a closer look at the module finds.
    """
    from unlearn_core.catalog.entries import classifiers

    if visitor and sum(one.visitor == visitor for one in custom_classifiers(root)) >= MOST_ADDED:
        raise UserError(f"You have added {MOST_ADDED} classifiers already: remove one first.")
    record, module = prepare(specification)
    if record.name in [entry.name for entry in classifiers()]:
        raise UserError(f"There is already a classifier {record.name}: choose another name, or remove it.")
    record = examined(record, module).model_copy(update={"visitor": visitor})
    tensors = {name: t.contiguous().clone() for name, t in module.state_dict().items()}
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        with atomic_write(custom_classifier_folder(root, record.name)) as half:
            half.mkdir()
            with writing_tensors():
                save_file(tensors, half / WEIGHTS)
            kept = _loaded(record, read_checkpoint(half / WEIGHTS).tensors)
            pixels = real_pictures(record.channels, record.input_size)
            _check_rebuilt(module, kept, pixels, record.architecture)
            (half / RECORD).write_text(record.model_dump_json(), encoding="utf-8")
    except OSError as error:
        raise UserError(f"The classifier cannot be saved: {error.strerror or error}.") from error
    return record.name


def load_custom_classifier(root: Path, record: CustomClassifier) -> nn.Module:
    """Return a new copy of a custom classifier; damaged weights raise `UserError`."""
    file = read_checkpoint(custom_classifier_folder(root, record.name) / WEIGHTS)
    return _loaded(record, without_training_heads(file.tensors, "network."))


def _loaded(record: CustomClassifier, tensors: Mapping[str, Tensor]) -> nn.Module:
    """Return the module of a record, in eval mode, with tensors that are checked to fit."""
    columns = 1 if record.output.startswith("one ") else len(record.class_names)
    network = build(record.architecture, columns, record.channels, record.input_size, record.arguments)
    module = Adapted(network, record.mean, record.std, record.output, record.channels_last)
    check_fit(tensors, module.state_dict(), f"The stored weights of {record.name} do not fit")
    load_tensors(module, tensors, strict=False)
    return module.eval()


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


def _shown(source: str) -> str:
    """Return the source without paths of this machine."""
    kind, _, rest = source.partition(":")
    return f"{FILE}:{Path(rest).name}" if kind == FILE else source
