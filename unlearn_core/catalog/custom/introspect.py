"""Layers of a custom network for Grad-CAM, as measured: outputs are a grid that shows where things are."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

_GRID = 7
_TRIES = 8
"""Layers of each size that are looked at: each costs a forward pass."""
_ALIKE = 0.01
_FOLLOWS = 0.1
"""How much more of a grid's change must be in the half that was changed in the picture, as a share of all."""


class _Output(NamedTuple):
    """What a layer returned: its name, the side of the grid, 0 if it has none, and whether it is tokens."""

    name: str
    side: int
    is_tokens: bool


def find_cam_layers(module: nn.Module, pixels: Tensor) -> tuple[str, ...]:
    """Return dotted names of layers with spatial outputs, for Grad-CAM.

    First the last outer layer with an output of at least 7 × 7 (an eighth of the picture's side for small
    ones), then the last layer of every other size, in order. A layer beside others, whose output is not all
    that the logits depend on, is used only if no layer of its size is alone, and not in networks of tokens:
    those have attention beside their grids. A network that goes on with tokens soon after its first layers
    has none.

    Args:
        module: maps pixels to logits, in eval mode.
        pixels: of real pictures, (n, c, size, size), n at least 2.
    """
    size, seen = pixels.shape[-1], _outputs(module, pixels)
    places = [place for place, one in enumerate(seen) if one.side > 1]
    if not places:
        return ()
    on_tokens = any(one.is_tokens for one in seen[places[-1] + 1 :])
    earliest = len(seen) / 4 if on_tokens else 0
    has_tokens = any(one.is_tokens for one in seen)
    last: dict[int, str] = {}
    with random_weights(module.get_submodule(last_layer(module, pixels))):
        for side in {seen[place].side for place in places}:
            same = [seen[place].name for place in places if seen[place].side == side and place >= earliest]
            same.reverse()
            # The sort is stable: of the outermost layers the last one comes first.
            outermost = sorted(same, key=lambda name: name.count("."))[:_TRIES]
            if name := _best(module, pixels[:2], outermost, only_alone=has_tokens):
                last[side] = name
    smallest = min(_GRID, max(2, size // 8))
    best = min((side for side in last if side >= smallest), default=None)
    if best is None:
        return ()
    return (last.pop(best), *(name for side, name in sorted(last.items(), reverse=True) if side < size))


@torch.no_grad()
def last_layer(module: nn.Module, pixels: Tensor) -> str:
    """Return the name of the linear layer or convolution that runs last; "" if there is none."""
    called = [""]

    def note(name: str) -> Any:
        return lambda layer, inputs, output: called.append(name)

    kinds = (nn.Linear, nn.Conv2d)
    layers = [(name, one) for name, one in module.named_modules() if isinstance(one, kinds)]
    hooks = [layer.register_forward_hook(note(name)) for name, layer in layers]
    try:
        module(pixels)
    finally:
        for hook in hooks:
            hook.remove()
    return called[-1]


@contextmanager
def random_weights(layer: nn.Module) -> Iterator[None]:
    """Give a layer other weights: random ones, so that outputs differ even where its own are zero."""
    generator = torch.Generator().manual_seed(0)
    own = [(one, one.detach().clone()) for one in layer.parameters()]
    with torch.no_grad():
        for one, values in own:
            spread = float(values.std(correction=0)) or 0.1
            one.copy_(torch.randn(one.shape, generator=generator) * spread)
    try:
        yield
    finally:
        with torch.no_grad():
            for one, values in own:
                one.copy_(values)


def channel_axis(module: nn.Module, layer: str, shape: Sequence[int], pixels: Tensor) -> int:
    """Return the axis of the channels, 1 or 3, of a layer's outputs; the others are batch and grid.

    Args:
        module: maps pixels to logits, in eval mode.
        layer: its dotted name.
        shape: of its outputs. If it allows both, it is measured which axes follow a picture.
        pixels: of this picture, (1, c, size, size).
    """
    possible = _channel_axes(shape)
    return possible[0] if len(possible) == 1 else max(_grids(module, layer, pixels))[1]


def _grids(module: nn.Module, layer: str, pixels: Tensor) -> list[tuple[float, int]]:
    """Return how well each reading of a layer's output as a grid follows the picture, and the channels' axis.

    It follows well, at most 1, if a change of one half of the picture changes this half of the grid most.
    """
    half, changed = pixels.shape[-1] // 2, pixels.repeat(5, 1, 1, 1)
    for number, part in enumerate((slice(half), slice(half, None)), 1):
        changed[number, :, part] = 1 - pixels[0, :, part]
        changed[number + 2, :, :, part] = 1 - pixels[0, :, :, part]
    kept: list[Tensor] = []
    hook = module.get_submodule(layer).register_forward_hook(
        lambda layer, inputs, output: kept.append(output)
    )
    try:
        with torch.no_grad():
            module(changed)
    finally:
        hook.remove()
    found = []
    for axis in _channel_axes(kept[-1].shape):
        grid = (kept[-1][1:] - kept[-1][:1]).abs().mean(axis)
        found.append((min(_towards(grid[0], grid[1]), _towards(grid[2].T, grid[3].T)), axis))
    return found


def _channel_axes(shape: Sequence[int]) -> list[int]:
    """Return the axes that may be those of the channels in an output of this shape: the others are a grid."""
    if len(shape) != 4:
        return []
    return [axis for axis, grid in ((1, shape[2:]), (3, shape[1:3])) if grid[0] == grid[1] > 1]


def _towards(first: Tensor, second: Tensor) -> float:
    """Return by how much a change is in the first rows of one and the last rows of the other, −1 to 1."""
    half = len(first) // 2
    shares = [(one[:half].sum() - one[-half:].sum()) / one.sum().clamp_min(1e-30) for one in (first, second)]
    return float(min(shares[0], -shares[1]))


def _best(module: nn.Module, pixels: Tensor, names: list[str], only_alone: bool) -> str | None:
    """Return the first layer that is alone; else the first that follows the picture; else None."""
    for name in names:
        if _is_alone(module, name, pixels):
            return name
    if only_alone:
        return None
    follows = (name for name in names if max(_grids(module, name, pixels[:1]))[0] > _FOLLOWS)
    return next(follows, None)


@torch.no_grad()
def _is_alone(module: nn.Module, name: str, pixels: Tensor) -> bool:
    """Return whether the logits depend on this layer's output only: exchanged outputs exchange the logits."""
    logits = module(pixels)
    hook = module.get_submodule(name).register_forward_hook(lambda layer, inputs, output: output.flip(0))
    try:
        exchanged = module(pixels)
    finally:
        hook.remove()
    swapped = logits.flip(0)
    return bool((exchanged - swapped).abs().max() < _ALIKE * (logits - swapped).abs().max())


def _outputs(module: nn.Module, pixels: Tensor) -> list[_Output]:
    """Return what the layers return, in the order of execution; of a layer used again only its last output.

    Grad-CAM takes that one.
    """
    seen: dict[str, _Output] = {}

    def note(name: str) -> Any:
        def hook(layer: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
            of_batch = isinstance(output, Tensor) and output.ndim > 1 and len(output) == len(pixels)
            shape: list[int] = list(output.shape) if of_batch else []
            side = shape[2] if _channel_axes(shape) else 0
            seen.pop(name, None)
            seen[name] = _Output(name, side, len(shape) == 3 and shape[1] > 1)

        return hook

    hooks = [layer.register_forward_hook(note(name)) for name, layer in module.named_modules() if name]
    try:
        with torch.no_grad():
            module(pixels)
    finally:
        for hook in hooks:
            hook.remove()
    return list(seen.values())
