"""A network from the tensors of a checkpoint file."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from unlearn_core.catalog.custom.behaviour import real_pictures
from unlearn_core.catalog.custom.build_network import (
    TIMM,
    TORCHVISION,
    WITH_TRAINING_HEADS,
    build,
    check_architecture,
    checked_arguments,
    given_size,
    head_and_stem,
    img_size,
    split_architecture,
)
from unlearn_core.catalog.custom.checkpoint import (
    check_checkpoint,
    check_fit,
    check_plain,
    misfits,
    read_checkpoint,
)
from unlearn_core.catalog.custom.origin import Origin, usual_settings
from unlearn_core.catalog.custom.parts import listed, normalisation_in, part_of
from unlearn_core.catalog.records.classifier_record import MOST_CLASSES, ClassifierSpecification
from unlearn_core.common.load_tensors import load_tensors
from unlearn_core.errors import UserError

_POSITIONS = ("pos_embed", "encoder.pos_embedding")
"""Embeddings of a transformer's places, in timm and torchvision: their number tells the input size."""


def origin_from_file(path: Path, specification: ClassifierSpecification) -> Origin:
    """Return the network of a checkpoint file; a file that does not fit raises `UserError`."""
    if not specification.architecture:
        raise UserError(
            f"{path.name} contains only tensors: give their architecture, {TORCHVISION}:NAME or {TIMM}:NAME."
        )
    architecture, what = specification.architecture, f"{path.name} does not fit {specification.architecture}"
    check_architecture(architecture, specification.arguments)
    check_checkpoint(path)
    file = read_checkpoint(path)
    usual = usual_settings(architecture)
    plain = build(architecture, 1000, 3, None, specification.arguments)
    part = part_of(file.tensors, plain.state_dict().keys(), path.name, specification.part)
    findings = list(part.findings)
    if file.unread:
        findings.append(f"Not read from {path.name}, as they are not tensors: {listed(file.unread)}.")
    check_plain(part.tensors, what)
    head, stem = head_and_stem(architecture, plain)
    found = _with_plain_head(part.tensors, head, findings)
    given = given_size(specification.input_size, checked_arguments(specification.arguments))
    known_size = given or _own_size(found, plain, usual["input_size"])
    size = known_size or usual["input_size"]
    classes, channels = _classes_and_channels(found, head, stem, what)
    _check_given(path.name, specification, classes, channels)
    arguments = specification.arguments
    network = build(architecture, classes, channels, size, arguments)
    if misfits(found, network.state_dict()):
        found = _through_its_library(architecture, found, network, size, arguments, findings)
    check_fit(found, network.state_dict(), what)
    load_tensors(network, found, strict=False)
    arguments = _with_input_transform(architecture, network, arguments, size, usual, findings)
    own = normalisation_in({name: one for name, one in file.tensors.items() if name not in found}, channels)
    findings += _assumed(specification, known_size, own and own[0])
    return Origin(
        network,
        architecture,
        f"{path.name} ({part.name})" if part.others else path.name,
        classes,
        channels,
        size,
        mean=tuple(own[1]) if own else usual["mean"],
        std=tuple(own[2]) if own else usual["std"],
        arguments=arguments,
        parts=part.others,
        part=part.name if part.others else "",
        findings=findings,
    )


def _assumed(
    specification: ClassifierSpecification, known_size: int | None, normalisation: str | None
) -> list[str]:
    """Say what is taken to be as usual for the architecture, since neither tensors nor the person tell it.

    `normalisation` is the name of the tensor that tells the mean.
    """
    assumed, said = [] if known_size else ["input size"], []
    if specification.mean is None or specification.std is None:
        if normalisation is None:
            assumed.append("mean and standard deviation")
        else:
            said.append(
                f"The mean and standard deviation are those in the file, {normalisation} and its like."
            )
    if assumed:
        usual = f"those usual for {specification.architecture}: no tensor tells them."
        said.append(f"The {', '.join(assumed)} are {usual}")
    return said


def _with_plain_head(found: dict[str, Tensor], head: str, findings: list[str]) -> dict[str, Tensor]:
    """Return the tensors with a last layer such as `fc.1` under its usual name.

    People put dropout before the last layer, in an `nn.Sequential`. Two layers there are another network.
    """
    layer = head.removesuffix(".weight")
    inside = {
        name for name in found if name.startswith(f"{layer}.") and name.count(".") == head.count(".") + 1
    }
    places = {name.rpartition(".")[0] for name in inside}
    if head in found or len(places) != 1:
        return found
    (place,) = places
    if place.removeprefix(f"{layer}.").isdigit() and found.get(f"{place}.weight", torch.zeros(0)).ndim == 2:
        number = int(place.removeprefix(f"{layer}."))
        lost = "; an activation before it, which no tensor tells, would be lost" if number > 1 else ""
        findings.append(f"{place} is taken as the last layer, {layer}{lost}.")
        return {
            layer + name.removeprefix(place) if name in inside else name: tensor
            for name, tensor in found.items()
        }
    return found


def _classes_and_channels(found: Mapping[str, Tensor], head: str, stem: str, what: str) -> tuple[int, int]:
    """Return the classes of the last layer and the channels of the first one.

    Earlier versions of a library have other names: there they are the last matrix and the first kernel.
    """
    matrices = [one for one in found.values() if one.ndim == 2 and one.is_floating_point()]
    kernels = [tensor for tensor in found.values() if tensor.ndim == 4]
    for name, others in ((head, matrices), (stem, kernels)):
        if (name not in found and not others) or (name in found and found[name].ndim < 2):
            raise UserError(f"{what}: it has no tensor {name}.")
    last = found[head] if head in found else matrices[-1]
    first = found[stem] if stem in found else kernels[0]
    classes, channels = last.shape[0], first.shape[1]
    if not 1 <= classes <= MOST_CLASSES or channels not in (1, 3):
        raise UserError(f"{what}: it would have {classes} classes and {channels} channels.")
    return classes, channels


def _check_given(file: str, specification: ClassifierSpecification, classes: int, channels: int) -> None:
    # A single logit is for two classes.
    if specification.classes not in (None, max(2, classes)):
        raise UserError(f"{file} has {max(2, classes)} classes, not {specification.classes}.")
    if specification.channels not in (None, channels):
        raise UserError(f"{file} takes {channels} channels, not {specification.channels}.")


def _own_size(found: Mapping[str, Tensor], plain: nn.Module, size: int) -> int | None:
    """Return the input size of a transformer's tensors from the number of its places; None if unknown.

    Args:
        found: of the file.
        plain: the same network for pictures of `size`.
        size: in pixels.
    """
    for name in _POSITIONS:
        usual = plain.state_dict().get(name)
        if usual is None or name not in found or usual.ndim != 3 or found[name].ndim != 3:
            continue
        grid = math.isqrt(usual.shape[1])
        # Some places are not of the grid: those of the class token and of registers.
        places = found[name].shape[1] - (usual.shape[1] - grid**2)
        own = math.isqrt(max(0, places))
        if own and own**2 == places and size * own % grid == 0:
            return size * own // grid
    return None


def _with_input_transform(
    architecture: str,
    network: nn.Module,
    arguments: str,
    size: int,
    usual: Mapping[str, Any],
    findings: list[str],
) -> str:
    """Set `transform_input` of a GoogLeNet or Inception, and return the arguments with it.

    No tensor tells it: torchvision's pre-trained weights, and what was trained on from them, need it, others
    do not. It is chosen such that the first BatchNorm layer sees photos as it saw its training pictures.
    """
    kind, name = split_architecture(architecture)
    given = checked_arguments(arguments)
    if kind != TORCHVISION or name not in WITH_TRAINING_HEADS or "transform_input" in given:
        return arguments
    pixels = real_pictures(3, size)
    mean, std = (torch.tensor(usual[key]).view(-1, 1, 1) for key in ("mean", "std"))
    distances = []
    for chosen in (False, True):
        network.transform_input = chosen  # type: ignore[assignment]
        distances.append(_distance_of_first_norm(network.eval(), (pixels - mean) / std))
    taken = distances[1] < distances[0]
    network.transform_input = taken  # type: ignore[assignment]
    findings.append(
        f"transform_input of {name}, which no tensor tells, is {'on' if taken else 'off'}, as that fits its "
        'BatchNorm statistics better; the arguments {"transform_input": true} or false choose it.'
    )
    return json.dumps(given | {"transform_input": taken})


def _distance_of_first_norm(network: nn.Module, pixels: Tensor) -> float:
    """Return how far what the first BatchNorm layer gets is from its running statistics, in their spread."""
    layer = next(layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d))
    seen: list[Tensor] = []
    hook = layer.register_forward_pre_hook(lambda layer, inputs: seen.append(inputs[0]))
    try:
        with torch.no_grad():
            network(pixels)
    finally:
        hook.remove()
    assert layer.running_mean is not None
    assert layer.running_var is not None
    spread = layer.running_var + layer.eps
    means = (seen[0].mean((0, 2, 3)) - layer.running_mean).square() / spread
    spreads = ((seen[0].var((0, 2, 3)) + layer.eps) / spread).log().square()
    return float((means + spreads).mean())


def _through_its_library(
    architecture: str,
    found: dict[str, Tensor],
    network: nn.Module,
    size: int,
    arguments: str,
    findings: list[str],
) -> dict[str, Tensor]:
    """Return the tensors as the library's own loader makes them fit a network; as they are if it cannot.

    It knows names of its earlier versions and resizes embeddings of places to another input size.
    """
    kind, name = split_architecture(architecture)
    convert = _through_timm if kind == TIMM else _through_torchvision
    try:
        fitting = convert(name, found, network, size, arguments)
    # The library's code gets untrusted tensors and may raise anything; `check_fit` then says what is wrong.
    except Exception:
        return found
    if fitting is None:
        return found
    resized = any(
        place in found and found[place].shape != fitting[place].shape
        for place in _POSITIONS
        if place in fitting
    )
    more = f", resized to pictures of {size} × {size}" if resized else ""
    findings.append(f"The tensors are converted by {kind}'s own loader{more}.")
    return fitting


def _through_timm(
    name: str, found: dict[str, Tensor], network: nn.Module, size: int, arguments: str
) -> dict[str, Tensor]:
    import timm

    expected = network.state_dict()
    head, stem = head_and_stem(f"{TIMM}:{name}", network)
    classes, channels = expected[head].shape[0], expected[stem].shape[1]
    given = checked_arguments(arguments)
    loaded = timm.create_model(
        name,
        pretrained=True,
        # The file's tensors in place of a download; all other settings are the file's too.
        pretrained_cfg_overlay={
            "state_dict": found,
            "num_classes": classes,
            "input_size": (channels, size, size),
            "label_offset": 0,
            "custom_load": False,
        },
        num_classes=classes,
        in_chans=channels,
        **(given | img_size(name, size, given)),
    )
    return loaded.state_dict()


def _through_torchvision(
    name: str, found: dict[str, Tensor], network: nn.Module, size: int, arguments: str
) -> dict[str, Tensor] | None:
    from torchvision.models.vision_transformer import VisionTransformer, interpolate_embeddings

    if not isinstance(network, VisionTransformer):
        return None
    return dict(interpolate_embeddings(size, network.patch_size, dict(found)))
