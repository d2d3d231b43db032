"""Properties of a custom network that attribution algorithms depend on."""

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
    """Return dotted names of layers with spatial outputs, for Grad-CAM.

    First the last layer with an output of at least 7 × 7 (an eighth of the picture's side for small ones),
    then the last layer of every other size, in order; layers in blocks with several branches are used only if
    there are no others. Transformers have none.
    """
    seen = _square_outputs(module, channels, size)
    # In a transformer the only spatial output may be that of the patch embedding.
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
    """Return the layers in the order of execution, with the side of their output, 0 if it is not spatial."""
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
    """Return whether all modules around a layer, apart from the network itself, are `nn.Sequential`."""
    parts = name.split(".")
    above = [module.get_submodule(".".join(parts[:depth])) for depth in range(2, len(parts))]
    return all(isinstance(one, nn.Sequential) for one in above)


def has_plain_relu(module: nn.Module) -> bool:
    """Return whether each activation is a ReLU module used once, and nothing multiplies activations.

    DeepLIFT and guided backpropagation are only valid then. False for a network that cannot be traced.
    """
    if any(isinstance(layer, _OTHER_ACTIVATIONS) for layer in module.modules()):
        return False
    try:
        graph = fx.Tracer().trace(module)
    # Tracing runs the network's code on proxies of tensors, which may raise anything.
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
