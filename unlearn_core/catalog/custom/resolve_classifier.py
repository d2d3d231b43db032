"""From a specification to a network with weights: torchvision, timm, a checkpoint file, or a function."""

import copy
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from unlearn_core.catalog.class_match import match_classes
from unlearn_core.catalog.class_names import imagenet_classes
from unlearn_core.catalog.custom.build_network import (
    FILE,
    TIMM,
    TORCHVISION,
    WITH_TRAINING_HEADS,
    check_architecture,
    checked_arguments,
    from_function,
    given_size,
    img_size,
    own_copy,
    seeded,
)
from unlearn_core.catalog.custom.fold_weights import FINDING
from unlearn_core.catalog.custom.from_file import origin_from_file
from unlearn_core.catalog.custom.hub import cache_alone_when_offline
from unlearn_core.catalog.custom.origin import Origin, usual_settings
from unlearn_core.catalog.records.classifier_record import FILE_ENDINGS, ClassifierSpecification
from unlearn_core.catalog.untrusted.uploads import check_readable
from unlearn_core.common.brought import here
from unlearn_core.common.home import home
from unlearn_core.common.long_names import check_class_names
from unlearn_core.common.sharing import refuse_when_shared
from unlearn_core.errors import UserError, first_line

RANDOM = "random"
ASSUMED = "1,000 classes: ImageNet's names are assumed."
_IMAGENET, _NEARLY_ALL = 1000, 0.9
_OF_THE_TENSORS = ("num_classes", "in_chans")
"""Arguments that the tensors tell."""


def origin_of(specification: ClassifierSpecification) -> Origin:
    """Return the network of a specification.

    Raises:
        UserError: an unknown name, weights that cannot be downloaded, or a file that does not fit.
    """
    kind, _, rest = specification.source.partition(":")
    if kind == FILE:
        path = here(rest)
        check_readable(home(), path)
        return origin_from_file(path, specification)
    if kind in (TORCHVISION, TIMM):
        name, weights = _name_and_weights(rest, hub=kind == TIMM)
        if weights == RANDOM:
            return _untrained(f"{kind}:{name}", specification)
        return (
            _torchvision(name, weights, specification) if kind == TORCHVISION else _timm(name, specification)
        )
    if specification.source.lower().endswith(FILE_ENDINGS):
        raise UserError(f"{specification.source} is a file: write {FILE}:{specification.source}.")
    if not kind or not rest:
        raise UserError(
            f"{specification.source!r} is not a classifier; write {TORCHVISION}:NAME, {TIMM}:NAME, "
            f"{FILE}:PATH or module:function."
        )
    refuse_when_shared("code")
    network, folded = own_copy(from_function(specification.source))
    size = specification.input_size or 224
    channels = specification.channels or _channels(network, size)
    return Origin(
        network,
        specification.source,
        "its own",
        specification.classes or 0,
        channels,
        size,
        mean=(0.0,),
        std=(1.0,),
        findings=[FINDING] if folded else [],
    )


def _name_and_weights(rest: str, hub: bool) -> tuple[str, str]:
    if hub and rest.startswith("hf-hub:"):
        return rest, ""
    name, _, weights = rest.partition(":")
    return name, weights


def _untrained(architecture: str, specification: ClassifierSpecification) -> Origin:
    """Return a network with random weights, for experiments."""
    check_architecture(architecture, specification.arguments)
    known = usual_settings(architecture)
    classes, channels = specification.classes or 1000, specification.channels or 3
    arguments = specification.arguments
    size = given_size(specification.input_size, checked_arguments(arguments)) or known["input_size"]
    network = seeded(architecture, classes, channels, specification.input_size, arguments)
    return Origin(
        network,
        architecture,
        "random, seed 0",
        classes,
        channels,
        size,
        "none needed",
        arguments=arguments,
    )


def _torchvision(name: str, weights: str, specification: ClassifierSpecification) -> Origin:
    import torchvision.models as models

    architecture = f"{TORCHVISION}:{name}"
    check_architecture(architecture, specification.arguments)
    enum = models.get_model_weights(name)
    if weights and weights not in enum.__members__:
        raise UserError(f"{name} has no weights {weights}; available: {', '.join(enum.__members__)}.")
    chosen = enum[weights] if weights else enum.DEFAULT
    arguments = checked_arguments(specification.arguments)
    if name in WITH_TRAINING_HEADS:
        # The weights of ImageNet need it, and no tensor tells.
        arguments = {"transform_input": True} | arguments
    try:
        network = models.get_model(name, weights=chosen, **arguments)
    except (OSError, RuntimeError) as error:
        raise _no_download(f"{architecture} ({chosen.name})", error) from error
    if name == "inception_v3":
        # GoogLeNet is loaded without its second heads already.
        network.aux_logits, network.AuxLogits = False, None
    looks = chosen.transforms()
    _check_given(specification, 1000, 3)
    size = specification.input_size or looks.crop_size[0]
    return Origin(
        network,
        architecture,
        chosen.name,
        len(chosen.meta["categories"]),
        3,
        size,
        "see torchvision's documentation",
        tuple(looks.mean),
        tuple(looks.std),
        imagenet_classes()[0],
        json.dumps(arguments),
    )


def _timm(name: str, specification: ClassifierSpecification) -> Origin:
    import timm
    from timm.data import resolve_data_config
    from timm.models import load_model_config_from_hf

    architecture = f"{TIMM}:{name}"
    if not name.startswith("hf-hub:"):
        check_architecture(f"{TIMM}:{name.partition('.')[0]}")
    else:
        refuse_when_shared("hub names")
    arguments = checked_arguments(specification.arguments)
    try:
        with cache_alone_when_offline():
            if name.startswith("hf-hub:"):
                # Arguments such as an activation are not in the tensors.
                _, known_as, hub = load_model_config_from_hf(name.removeprefix("hf-hub:"))
                own = {key: value for key, value in (hub or {}).items() if key not in _OF_THE_TENSORS}
                arguments = checked_arguments(json.dumps(own)) | arguments
                check_architecture(f"{TIMM}:{known_as}", json.dumps(arguments))
            extra = arguments | img_size(name, specification.input_size, arguments)
            network = timm.create_model(name, pretrained=True, **extra)
    except UserError:
        raise
    # The hub's client raises errors of several libraries without a common base class.
    except Exception as error:
        raise _no_download(architecture, error) from error
    settings: dict[str, Any] = network.pretrained_cfg
    if name.startswith("hf-hub:"):
        # The tensors are stored: the hub is not needed again.
        architecture = f"{TIMM}:{settings['architecture']}"
        check_architecture(architecture)
    looks = resolve_data_config(settings)
    _check_given(specification, settings["num_classes"], looks["input_size"][0])
    return Origin(
        network,
        architecture,
        str(settings.get("tag") or "pretrained"),
        settings["num_classes"],
        looks["input_size"][0],
        given_size(specification.input_size, arguments) or looks["input_size"][1],
        str(settings.get("license") or "not stated"),
        tuple(looks["mean"]),
        tuple(looks["std"]),
        _names_of(settings, from_hub=name.startswith("hf-hub:")),
        json.dumps(arguments),
    )


def _names_of(settings: Mapping[str, Any], *, from_hub: bool) -> tuple[str, ...] | None:
    """Return the class names of a network of timm; its own networks with 1,000 classes are ImageNet's."""
    if settings.get("label_names"):
        return tuple(settings["label_names"])
    return None if from_hub or settings["num_classes"] != _IMAGENET else imagenet_classes()[0]


def _check_given(specification: ClassifierSpecification, classes: int, channels: int) -> None:
    if specification.classes not in (None, classes) or specification.channels not in (None, channels):
        raise UserError(
            f"The weights of {specification.source} have {classes} classes and {channels} channels; other "
            "values are only possible with untrained weights (:random)."
        )


def _channels(network: nn.Module, size: int) -> int:
    """Return the channels of the first convolution, or those that work where another may run first."""
    first = next((layer.in_channels for layer in network.modules() if isinstance(layer, nn.Conv2d)), 3)
    for channels in (3, 1) if first != 3 else ():
        # A copy: some networks keep what their first picture is like.
        tried = copy.deepcopy(network)
        tried.eval()
        try:
            with torch.random.fork_rng(devices=[]), torch.no_grad():
                tried(torch.zeros(1, channels, size, size))
        # A user's network may raise anything.
        except Exception:
            continue
        return channels
    return first


def _no_download(what: str, error: Exception) -> UserError:
    # Libraries raise different connection errors; most are OSErrors, others have it in their name.
    offline = isinstance(error, OSError) or "Connect" in type(error).__name__
    reason = "there is no connection" if offline else first_line(error)
    return UserError(f"The weights of {what} are not on this machine and cannot be downloaded: {reason}.")


def names_for(origin: Origin, given: Sequence[str] | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return class names and WordNet ids of an origin: given ones, its own, ImageNet's, or numbers.

    Names that are ImageNet's in any spelling have its ids. If they are assumed, its findings say so.

    Raises:
        UserError: the number of names differs from the number of classes, or names repeat or are very long.
    """
    names = given if given is not None else origin.class_names
    if names is None and origin.classes == _IMAGENET:
        origin.findings.append(ASSUMED)
        return imagenet_classes()
    if names is None:
        names = tuple(f"class {index}" for index in range(origin.classes))
    check_class_names(names)
    if len(names) != origin.classes:
        raise UserError(f"The classifier has {origin.classes} classes, but {len(names)} names are given.")
    if _are_imagenets(names):
        return tuple(names), imagenet_classes()[1]
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        raise UserError(f"Two classes have the name {twice[0][:80]!r}: use different names.")
    return tuple(names), ()


def _are_imagenets(names: Sequence[str]) -> bool:
    """Return whether names are those of ImageNet's classes, in its order: nearly all, as spellings differ."""
    if len(names) != _IMAGENET:
        return False
    found = match_classes(names, *imagenet_classes())
    same = (
        how != "number" and index == place
        for place, (index, how) in enumerate(zip(found.classes, found.how, strict=True))
    )
    return sum(same) >= _NEARLY_ALL * _IMAGENET
