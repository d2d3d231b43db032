"""What the attribution algorithms must know of a network that nobody described."""

import logging
import operator
from typing import Any

import torch
from torch import Tensor, fx, nn

_log = logging.getLogger(__name__)

_OTHER_ACTIVATIONS = (
    nn.GELU,
    nn.SiLU,
    nn.Hardswish,
    nn.Hardsigmoid,
    nn.ReLU6,
    nn.LeakyReLU,
    nn.ELU,
    nn.PReLU,
    nn.Mish,
    nn.Sigmoid,
    nn.Tanh,
    nn.Softmax,
    nn.LayerNorm,
    nn.MultiheadAttention,
)
_NOT_ADDITIVE = (operator.mul, torch.mul, torch.matmul, operator.matmul, torch.relu, nn.functional.relu)
_GRID = 7


def find_cam_layers(module: nn.Module, channels: int, size: int) -> tuple[str, ...]:
    """Return dotted names of layers whose outputs lie on a grid like the picture, for Grad-CAM.

    First comes the last one with a grid of at least 7 × 7 (an eighth of the picture's side for small ones),
    then the last one of every other grid, in order, outside of blocks with several branches where there is
    one. Networks of tokens have none.
    """
    seen = _square_outputs(module, channels, size)
    # In a network of tokens the only grid may be that of the patches at its very beginning.
    tokens = any(type(layer) is nn.LayerNorm for layer in module.modules())
    earliest = len(seen) / 4 if tokens else 0
    late = [(name, side) for place, (name, side) in enumerate(seen) if side > 1 and place >= earliest]
    on_the_way = [(name, side) for name, side in late if _every_path_goes_through(module, name)]
    last = {side: name for name, side in on_the_way or late}
    smallest = min(_GRID, max(2, size // 8))
    best = min((side for side in last if side >= smallest), default=None)
    if best is None:
        return ()
    return (last.pop(best), *(name for side, name in sorted(last.items(), reverse=True) if side < size))


def _square_outputs(module: nn.Module, channels: int, size: int) -> list[tuple[str, int]]:
    """Return the layers in the order in which they are done, with the side of their grid, 0 for none."""
    seen: list[tuple[str, int]] = []

    def note(name: str) -> Any:
        def hook(layer: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
            grid = isinstance(output, Tensor) and output.ndim == 4 and output.shape[2] == output.shape[3]
            seen.append((name, output.shape[2] if grid else 0))

        return hook

    hooks = [layer.register_forward_hook(note(name)) for name, layer in module.named_modules() if name]
    try:
        with torch.inference_mode():
            module(torch.zeros(1, channels, size, size))
    finally:
        for hook in hooks:
            hook.remove()
    return seen


def _every_path_goes_through(module: nn.Module, name: str) -> bool:
    """Tell whether a layer stands in plain sequences alone, below the network itself."""
    parts = name.split(".")
    above = [module.get_submodule(".".join(parts[:depth])) for depth in range(2, len(parts))]
    return all(isinstance(one, nn.Sequential) for one in above)


def has_plain_relu(module: nn.Module) -> bool:
    """Tell whether each activation is a ReLU module used once, and nothing multiplies activations.

    DeepLIFT's and guided backpropagation's rules are only right then. A network that cannot be traced counts
    as one that is not.
    """
    if any(isinstance(layer, _OTHER_ACTIVATIONS) for layer in module.modules()):
        return False
    try:
        graph = fx.Tracer().trace(module)
    # Tracing runs the network's own code on stand-ins for tensors, which may fail in any way.
    except Exception:
        _log.info("%s cannot be traced", type(module).__name__, exc_info=True)
        return False
    used: list[str] = []
    for node in graph.nodes:
        if node.op == "call_module" and isinstance(module.get_submodule(node.target), nn.ReLU):
            used.append(node.target)
        if node.op == "call_function" and node.target in _NOT_ADDITIVE:
            return False
        if node.op == "call_method" and node.target in ("relu", "relu_", "mul", "matmul", "sigmoid"):
            return False
    return bool(used) and len(set(used)) == len(used)
