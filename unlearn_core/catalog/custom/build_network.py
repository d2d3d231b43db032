"""Networks by their name in torchvision or timm, or from a user's function."""

import copy
import difflib
import importlib
import inspect
from collections.abc import Sequence
from typing import Any

import psutil
import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedParameter

from unlearn_core.catalog.custom.fold_weights import fold_weights
from unlearn_core.catalog.records.classifier_record import read_arguments
from unlearn_core.catalog.untrusted.guard import Limits, guarded
from unlearn_core.common.surroundings import usual_surroundings
from unlearn_core.errors import UserError, first_line

TORCHVISION, TIMM, FILE = "torchvision", "timm", "file"

WITH_TRAINING_HEADS = ("googlenet", "inception_v3")
"""Networks of torchvision with further heads for training; they are built without them."""

BUILDING = Limits(60, 4 * 10**9)
"""For a network with arguments of a stranger."""

_COPIES = 4
"""Copies of the weights in memory during a run: before, after, gradients, and the optimiser's state."""


def split_architecture(text: str) -> tuple[str, str]:
    """Return kind and name of `torchvision:NAME` or `timm:NAME`; anything else raises `UserError`."""
    kind, _, name = text.partition(":")
    if kind not in (TORCHVISION, TIMM) or not name:
        raise UserError(f"{text!r} is not an architecture; write {TORCHVISION}:NAME or {TIMM}:NAME.")
    return kind, name


def build(
    architecture: str, classes: int, channels: int, input_size: int | None, arguments: str = "{}"
) -> nn.Module:
    """Return an untrained network that maps pixels (n, channels, size, size) to logits (n, classes).

    Args:
        architecture: `torchvision:NAME`, `timm:NAME` or `module:function`.
        classes: of the last layer.
        channels: of the first layer.
        input_size: for networks with a fixed input size; None for their default.
        arguments: of the constructor, a JSON object.

    Raises:
        UserError: no such network, or one that cannot be built with these values.
    """
    # First weights are drawn at random: the caller's random state stays as it is.
    with torch.random.fork_rng(devices=[]):
        network = _built(architecture, classes, channels, input_size, arguments)
    return without_caches(_without_inplace(network))


def _built(
    architecture: str, classes: int, channels: int, input_size: int | None, arguments: str
) -> nn.Module:
    if is_function(architecture):
        return own_copy(from_function(architecture))[0]
    kind, name = split_architecture(architecture)
    make = _torchvision if kind == TORCHVISION else _timm
    extra = checked_arguments(arguments)
    try:
        return make(name, classes, channels, input_size, extra)
    # The library's code gets the user's values and may raise anything.
    except Exception as error:
        raise UserError(
            f"{architecture} cannot be built for {classes} classes, {channels} channels and input size "
            f"{input_size or 'by default'}: {first_line(error)}."
        ) from error


def check_architecture(architecture: str, arguments: str = "{}") -> None:
    """Raise `UserError` for a network that is unknown or too large for this machine.

    For an unknown name the message suggests similar ones. With arguments of its constructor, a JSON object,
    which may be a stranger's, it is tried in a process with limits.
    """
    kind, name = split_architecture(architecture)
    known = torchvision_names() if kind == TORCHVISION else timm_names()
    if name not in known:
        near = difflib.get_close_matches(name, known, 3)
        hint = f"; do you mean {' or '.join(near)}?" if near else "."
        raise UserError(f"{kind} has no classifier {name}{hint}")
    if checked_arguments(arguments):
        what = f"{architecture} with these arguments"
        _check_size(what, guarded(what, BUILDING, count_weights, architecture, arguments))
    elif kind == TIMM:
        _check_size(architecture, count_weights(architecture, arguments))


def count_weights(architecture: str, arguments: str) -> int:
    """Return the number of a network's weights, for which no memory is needed."""
    with torch.device("meta"):
        return sum(weight.numel() for weight in _built(architecture, 1000, 3, None, arguments).parameters())


def _check_size(what: str, weights: int) -> None:
    """Raise `UserError` if this machine has too little memory for so many weights."""
    needed, there = 4 * weights * _COPIES, psutil.virtual_memory().total
    if needed > there:
        raise UserError(
            f"{what} has {weights / 1e6:,.0f} million weights; forgetting with it needs "
            f"{needed / 2**30:.0f} GB of memory, and this machine has {there / 2**30:.0f}."
        )


def torchvision_names() -> list[str]:
    """Return the names of torchvision's classifiers."""
    import torchvision.models as models

    return models.list_models(module=models)


def timm_names() -> list[str]:
    """Return the names of timm's architectures."""
    import timm

    return timm.list_models()


def is_function(architecture: str) -> bool:
    """Return whether a network is what a function of the user's returns."""
    return architecture.partition(":")[0] not in (TORCHVISION, TIMM)


def from_function(name: str) -> nn.Module:
    """Return the network that `module:function` returns; anything else raises `UserError`."""
    where, _, function = name.partition(":")
    try:
        # What the user's code sets for the whole process is put back.
        with usual_surroundings():
            made = getattr(importlib.import_module(where), function)()
    # The user's code may raise anything, and the user needs the message.
    except (Exception, SystemExit) as error:
        raise UserError(f"{name} failed: {type(error).__name__}: {first_line(error)}.") from error
    if not isinstance(made, nn.Module):
        raise UserError(f"{name} returned {type(made).__name__}, not a torch module.")
    if isinstance(made, (nn.DataParallel, nn.parallel.DistributedDataParallel)):
        made = made.module
    # What torch.compile returns has the network itself under this name.
    made = getattr(made, "_orig_mod", made)
    if isinstance(made, torch.jit.ScriptModule):
        raise UserError(f"{name} returned TorchScript, which cannot be looked into: return the network.")
    if any(isinstance(weight, UninitializedParameter) for weight in made.parameters()):
        raise UserError(f"{name} returned a network with lazy layers: call it on a picture first.")
    if any(weight.is_meta for weight in made.parameters()):
        raise UserError(f"{name} returned a network on the meta device, where weights have no values.")
    return made.cpu().float()


def own_copy(network: nn.Module) -> tuple[nn.Module, bool]:
    """Return a copy of a function's network, and whether weights that it calculates are folded for that.

    A function may return the same network each time: before and after a run would then be one.
    """
    folded = fold_weights(network)
    try:
        return copy.deepcopy(network), folded
    # A user's network may have anything in it.
    except Exception as error:
        raise UserError(f"The network cannot be copied: {first_line(error)}.") from error


def head_and_stem(architecture: str, network: nn.Module) -> tuple[str, str]:
    """Return the names of the last and first layer's weights, which determine classes and channels."""
    weights = [name for name, weight in network.named_parameters() if weight.ndim >= 2]
    convolutions = [name for name, weight in network.named_parameters() if weight.ndim == 4]
    if architecture.startswith(f"{TIMM}:"):
        settings: dict[str, Any] = getattr(network, "pretrained_cfg", {})
        head, stem = (_first(settings.get(key)) for key in ("classifier", "first_conv"))
        names = dict(network.named_parameters())
        return (
            f"{head}.weight" if f"{head}.weight" in names else weights[-1],
            f"{stem}.weight" if f"{stem}.weight" in names else convolutions[0],
        )
    return weights[-1], convolutions[0]


def checked_arguments(text: str) -> dict[str, Any]:
    """Return arguments of a constructor; those that would load something else raise `UserError`."""
    import timm

    loading = {*inspect.signature(timm.create_model).parameters, "weights", "num_classes", "in_chans"}
    arguments = read_arguments(text)
    for name in arguments:
        if name in loading or name.startswith("pretrained"):
            raise UserError(f"{name} is not an argument of a network's constructor that can be given.")
    return arguments


def _torchvision(
    name: str, classes: int, channels: int, input_size: int | None, arguments: dict[str, Any]
) -> nn.Module:
    import torchvision.models as models

    extra: dict[str, Any] = dict(arguments)
    if input_size and name.startswith("vit_"):
        extra["image_size"] = input_size
    if input_size and name.startswith("maxvit"):
        extra["input_size"] = (input_size, input_size)
    if name in WITH_TRAINING_HEADS:
        extra |= {"aux_logits": False, "init_weights": True}
    network = models.get_model(name, weights=None, num_classes=classes, **extra)
    if channels != 3:
        _replace_stem(network, channels)
    return network


def _replace_stem(network: nn.Module, channels: int) -> None:
    name, old = next((name, one) for name, one in network.named_modules() if isinstance(one, nn.Conv2d))
    new = nn.Conv2d(
        channels,
        old.out_channels,
        old.kernel_size,  # type: ignore[arg-type]
        old.stride,  # type: ignore[arg-type]
        old.padding,  # type: ignore[arg-type]
        bias=old.bias is not None,
    )
    parent, _, own = name.rpartition(".")
    setattr(network.get_submodule(parent), own, new)


def _timm(
    name: str, classes: int, channels: int, input_size: int | None, arguments: dict[str, Any]
) -> nn.Module:
    import timm

    extra = arguments | img_size(name, input_size, arguments)
    return timm.create_model(name, pretrained=False, num_classes=classes, in_chans=channels, **extra)


def img_size(name: str, input_size: int | None, arguments: dict[str, Any]) -> dict[str, int]:
    """Return the argument for the input size of a network of timm that has a fixed one."""
    import timm

    settings = timm.get_pretrained_cfg(name)
    fixed = "img_size" in arguments or (settings is not None and settings.fixed_input_size)
    return {"img_size": input_size} if input_size and fixed else {}


def given_size(specified: int | None, arguments: dict[str, Any]) -> int | None:
    """Return the input size that is specified, or that the arguments of a network of timm have; else None."""
    own = arguments.get("img_size")
    own = own[0] if isinstance(own, list) and own else own
    return specified or (own if isinstance(own, int) else None)


def _without_inplace(network: nn.Module) -> nn.Module:
    """Disable in-place activations: attributions and hooks need the original values."""
    for layer in network.modules():
        if "inplace" in inspect.signature(type(layer).__init__).parameters:
            layer.inplace = False  # type: ignore[assignment]
    return network


class _NeverKept(dict[str, Tensor]):
    """A cache from which a value is taken once, and then calculated again."""

    def __getitem__(self, key: str) -> Tensor:
        return self.pop(key)


def without_caches(network: nn.Module) -> nn.Module:
    """Have networks of timm calculate attention biases at every call: they keep them in eval mode.

    Gradients would not reach the weights, and other weights would have no effect.
    """
    for layer in network.modules():
        if isinstance(getattr(layer, "attention_bias_cache", None), dict):
            layer.attention_bias_cache = _NeverKept()  # type: ignore[assignment]
    return network


def seeded(
    architecture: str, classes: int, channels: int, input_size: int | None, arguments: str = "{}"
) -> nn.Module:
    """Return `build(...)` with random weights of seed 0, without changing the caller's random state."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return build(architecture, classes, channels, input_size, arguments)


def _first(names: str | Sequence[str] | None) -> str:
    return names if isinstance(names, str) else (names or [""])[0]
