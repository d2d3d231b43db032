"""From a specification to a network with weights: torchvision, timm, a checkpoint file, or a function."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from unlearn_core.catalog.class_names import imagenet_classes
from unlearn_core.catalog.custom.build_network import (
    FILE,
    TIMM,
    TORCHVISION,
    build,
    check_architecture,
    from_function,
    head_and_stem,
    seeded,
    split_architecture,
)
from unlearn_core.catalog.custom.checkpoint import (
    check_checkpoint,
    check_fit,
    read_checkpoint,
    tensors_of_network,
)
from unlearn_core.catalog.custom.hub import cache_alone_when_offline
from unlearn_core.catalog.records.classifier_record import MOST_CLASSES, ClassifierSpecification
from unlearn_core.catalog.untrusted.uploads import check_readable
from unlearn_core.common.home import home
from unlearn_core.common.sharing import refuse_when_shared
from unlearn_core.errors import UserError, first_line

RANDOM = "random"
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass
class Origin:
    """A network with its properties; None if unknown."""

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


def origin_of(specification: ClassifierSpecification) -> Origin:
    """Return the network of a specification.

    Raises:
        UserError: an unknown name, weights that cannot be downloaded, or a file that does not fit.
    """
    kind, _, rest = specification.source.partition(":")
    if kind == FILE:
        path = Path(rest).expanduser()
        check_readable(home(), path)
        return _from_file(path, specification)
    if kind in (TORCHVISION, TIMM):
        name, weights = _name_and_weights(rest, hub=kind == TIMM)
        if weights == RANDOM:
            return _untrained(f"{kind}:{name}", specification)
        return (
            _torchvision(name, weights, specification) if kind == TORCHVISION else _timm(name, specification)
        )
    if not kind or not rest:
        raise UserError(
            f"{specification.source!r} is not a classifier; write {TORCHVISION}:NAME, {TIMM}:NAME, "
            f"{FILE}:PATH or module:function."
        )
    refuse_when_shared("code")
    network = from_function(specification.source)
    channels = specification.channels or _channels(network)
    size = specification.input_size or 224
    return Origin(
        network,
        specification.source,
        "its own",
        specification.classes or 0,
        channels,
        size,
        mean=(0.0,),
        std=(1.0,),
    )


def _name_and_weights(rest: str, hub: bool) -> tuple[str, str]:
    if hub and rest.startswith("hf-hub:"):
        return rest, ""
    name, _, weights = rest.partition(":")
    return name, weights


def _untrained(architecture: str, specification: ClassifierSpecification) -> Origin:
    """Return a network with random weights, for experiments."""
    check_architecture(architecture)
    known = _settings(architecture)
    classes, channels = specification.classes or 1000, specification.channels or 3
    size = specification.input_size or known["input_size"]
    network = seeded(architecture, classes, channels, specification.input_size)
    return Origin(network, architecture, "random, seed 0", classes, channels, size, "none needed")


def _torchvision(name: str, weights: str, specification: ClassifierSpecification) -> Origin:
    import torchvision.models as models

    architecture = f"{TORCHVISION}:{name}"
    check_architecture(architecture)
    enum = models.get_model_weights(name)
    if weights and weights not in enum.__members__:
        raise UserError(f"{name} has no weights {weights}; available: {', '.join(enum.__members__)}.")
    chosen = enum[weights] if weights else enum.DEFAULT
    try:
        network = models.get_model(name, weights=chosen)
    except (OSError, RuntimeError) as error:
        raise _no_download(f"{architecture} ({chosen.name})", error) from error
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
        tuple(chosen.meta["categories"]),
    )


def _timm(name: str, specification: ClassifierSpecification) -> Origin:
    import timm
    from timm.data import resolve_data_config

    architecture = f"{TIMM}:{name}"
    if not name.startswith("hf-hub:"):
        check_architecture(f"{TIMM}:{name.partition('.')[0]}")
    else:
        refuse_when_shared("hub names")
    try:
        with cache_alone_when_offline():
            network = timm.create_model(name, pretrained=True)
    # The hub's client raises errors of several libraries without a common base class.
    except Exception as error:
        raise _no_download(architecture, error) from error
    settings: dict[str, Any] = network.pretrained_cfg
    if name.startswith("hf-hub:"):
        # The tensors are stored: the hub is not needed again.
        architecture = f"{TIMM}:{settings['architecture']}"
        check_architecture(architecture)
        plain = build(architecture, settings["num_classes"], settings.get("input_size", (3,))[0], None)
        check_fit(network.state_dict(), plain.state_dict(), f"{name} differs from {architecture}")
    looks = resolve_data_config(settings)
    _check_given(specification, settings["num_classes"], looks["input_size"][0])
    return Origin(
        network,
        architecture,
        str(settings.get("tag") or "pretrained"),
        settings["num_classes"],
        looks["input_size"][0],
        specification.input_size or looks["input_size"][1],
        str(settings.get("license") or "not stated"),
        tuple(looks["mean"]),
        tuple(looks["std"]),
        tuple(settings["label_names"]) if settings.get("label_names") else None,
    )


def _from_file(path: Path, specification: ClassifierSpecification) -> Origin:
    if not specification.architecture:
        raise UserError(
            f"{path.name} contains only tensors: give their architecture, {TORCHVISION}:NAME or {TIMM}:NAME."
        )
    check_architecture(specification.architecture)
    check_checkpoint(path)
    file = read_checkpoint(path)
    known = _settings(specification.architecture)
    plain = build(specification.architecture, 1000, 3, None)
    found = tensors_of_network(file, plain.state_dict())
    what = f"{path.name} does not fit {specification.architecture}"
    head, stem = head_and_stem(specification.architecture, plain)
    for name in (head, stem):
        if name not in found or found[name].ndim < 2:
            raise UserError(f"{what}: it has no tensor {name}.")
    classes, channels = found[head].shape[0], found[stem].shape[1]
    if not 2 <= classes <= MOST_CLASSES or channels not in (1, 3):
        raise UserError(f"{what}: it would have {classes} classes and {channels} channels.")
    if specification.classes not in (None, classes):
        raise UserError(f"{path.name} has {classes} classes, not {specification.classes}.")
    if specification.channels not in (None, channels):
        raise UserError(f"{path.name} takes {channels} channels, not {specification.channels}.")
    network = build(specification.architecture, classes, channels, specification.input_size)
    check_fit(found, network.state_dict(), what)
    network.load_state_dict(found, strict=False)
    size = specification.input_size or known["input_size"]
    return Origin(
        network,
        specification.architecture,
        path.name,
        classes,
        channels,
        size,
        mean=known["mean"],
        std=known["std"],
    )


def _settings(architecture: str) -> dict[str, Any]:
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


def _check_given(specification: ClassifierSpecification, classes: int, channels: int) -> None:
    if specification.classes not in (None, classes) or specification.channels not in (None, channels):
        raise UserError(
            f"The weights of {specification.source} have {classes} classes and {channels} channels; other "
            "values are only possible with untrained weights (:random)."
        )


def _channels(network: nn.Module) -> int:
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            return layer.in_channels
    return 3


def _no_download(what: str, error: Exception) -> UserError:
    # Libraries raise different connection errors; most are OSErrors, others have it in their name.
    offline = isinstance(error, OSError) or "Connect" in type(error).__name__
    reason = "there is no connection" if offline else first_line(error)
    return UserError(f"The weights of {what} are not on this machine and cannot be downloaded: {reason}.")


def names_for(origin: Origin, given: Sequence[str] | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return class names and WordNet ids of an origin: given ones, its own, ImageNet's, or numbers.

    Raises:
        UserError: the number of names differs from the number of classes, or names repeat.
    """
    if given is None and origin.classes == 1000:
        return imagenet_classes()
    numbered = tuple(f"class {index}" for index in range(origin.classes))
    names = given if given is not None else origin.class_names or numbered
    if len(names) != origin.classes:
        raise UserError(f"The classifier has {origin.classes} classes, but {len(names)} names are given.")
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        raise UserError(f"Two classes have the name {twice[0]!r}: use different names.")
    return tuple(names), ()


@torch.inference_mode()
def count_classes(module: nn.Module, channels: int, size: int) -> int:
    """Return the number of logits of a module; one that fails on such pictures raises `UserError`."""
    pixels = torch.rand(2, channels, size, size, generator=torch.Generator().manual_seed(0))
    try:
        logits = module.eval()(pixels)
    # A user's network may raise anything.
    except Exception as error:
        raise UserError(
            f"The network fails on pictures of {size} × {size} with {channels} channels: {first_line(error)}."
        ) from error
    if not isinstance(logits, torch.Tensor) or logits.ndim != 2 or len(logits) != 2:
        raise UserError("The network must return one row of logits per picture.")
    if not logits.isfinite().all():
        raise UserError("The network returns NaN or infinite values.")
    return logits.shape[1]
