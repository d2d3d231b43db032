"""Backward rules in place of the gradient at activations, max pooling, products and norms.

Captum's rules are hooks of modules: they do not see functional calls, fail where a module is used twice, know
few activations, and lose contributions where the windows of max pooling overlap. These apply to each call.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

ACTIVATIONS = frozenset(
    (
        *("relu", "relu6", "elu", "selu", "celu", "leaky_relu", "prelu", "gelu", "silu", "mish", "hardswish"),
        *("hardsigmoid", "hardtanh", "threshold", "softplus", "softsign", "sigmoid", "logsigmoid", "tanh"),
        *("tanhshrink", "hardshrink", "softshrink", "clamp", "clamp_min", "clamp_max", "clip", "square"),
    )
)
"""Names of functions of one number each."""
_POOLING: dict[str, Callable[..., tuple[Tensor, Tensor]]] = {
    "max_pool2d": F.max_pool2d_with_indices,
    "adaptive_max_pool2d": F.adaptive_max_pool2d_with_indices,
}
_PRODUCTS = frozenset(("mul", "__mul", "__rmul", "__imul", "multiply"))
_NORMS = frozenset(("layer_norm", "group_norm"))
_NEAR = 1e-4
"""Relative difference of two inputs below which the gradient is more exact than the ratio of differences."""

Activation = Callable[[Tensor], Tensor]
Pooling = Callable[[Tensor], tuple[Tensor, Tensor]]


class _Calls(TorchFunctionMode):
    """Calls `activation`, `pooling` and `product` in place of such functions; other arguments are bound."""

    def __init__(self) -> None:
        super().__init__()
        self.met: set[str] = set()
        """Names of the activations that were called."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Replace a call; results of calls in place are new tensors."""
        name, given = getattr(func, "__name__", "").rstrip("_"), dict(kwargs or {})
        values = args[0] if args else given.pop("input", None)
        if not isinstance(values, Tensor):
            return func(*args, **(kwargs or {}))
        others = args[1:]
        if name in ACTIVATIONS:
            self.met.add(name)
            given.pop("inplace", None)
            return self.activation(values, lambda one: func(one.clone(), *others, **given))
        if name in _POOLING and not given.pop("return_indices", False):
            return self.pooling(values, lambda one: _POOLING[name](one, *others, **given))
        if (
            name in _PRODUCTS
            and isinstance(others[0], Tensor)
            and values.requires_grad
            and others[0].requires_grad
        ):
            return self.product(values, others[0])
        if name in _NORMS:
            return self.norm(func, values, *others, **given)
        return func(values, *others, **(kwargs or {}))

    def activation(self, values: Tensor, function: Activation) -> Tensor:
        """Return the activation's outputs."""
        return function(values)

    def pooling(self, values: Tensor, function: Pooling) -> Tensor:
        """Return the maxima; `function` also returns their places."""
        return function(values)[0]

    def product(self, one: Tensor, other: Tensor) -> Tensor:
        """Return the product of two tensors that both depend on the picture."""
        return one * other

    def norm(self, func: Any, values: Tensor, *others: Any, **given: Any) -> Tensor:
        """Return the outputs of `layer_norm` or `group_norm`."""
        return func(values, *others, **given)  # type: ignore[no-any-return]


class Guided(_Calls):
    """Passes only positive gradients back through each ReLU."""

    def activation(self, values: Tensor, function: Activation) -> Tensor:
        """Return the activation's outputs."""
        outputs = function(values)
        if outputs.requires_grad:
            outputs.register_hook(lambda gradient: gradient.clamp(min=0))
        return outputs


class Rescale(_Calls):
    """DeepLIFT's rescale rule: the ratio of differences to a reference in place of the slope.

    A product counts each factor's difference times the mean of the other factor.

    Args:
        references: int64 (n,), for each picture of the batch the place of its reference there.
    """

    def __init__(self, references: Tensor) -> None:
        super().__init__()
        self._references = references

    def of(self, values: Tensor) -> Tensor:
        """Return the values of the references; windows of a picture count as more rows of the batch."""
        n = len(self._references)
        if len(values) == n:
            return values[self._references]
        if len(values) % n:
            return values
        return values.unflatten(0, (n, -1))[self._references].flatten(0, 1)

    def activation(self, values: Tensor, function: Activation) -> Tensor:
        """Return the activation's outputs."""
        return _Activation.apply(values, function, self.of)  # type: ignore[no-any-return,no-untyped-call,unused-ignore]

    def pooling(self, values: Tensor, function: Pooling) -> Tensor:
        """Return the maxima."""
        return _Maximum.apply(values, function, self.of)  # type: ignore[no-any-return,no-untyped-call,unused-ignore]

    def product(self, one: Tensor, other: Tensor) -> Tensor:
        """Return the product."""
        return _Product.apply(one, other, self.of)  # type: ignore[no-any-return,no-untyped-call,unused-ignore]

    def norm(
        self, func: Any, values: Tensor, over: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5
    ) -> Tensor:
        """Return the outputs, from activations and products: `over` is a shape or a number of groups."""
        by_group = isinstance(over, int)
        parts = values.unflatten(1, (over, -1)) if by_group else values
        dims = tuple(range(2, parts.ndim)) if by_group else tuple(range(-len(over), 0))
        centred = parts - parts.mean(dims, keepdim=True)
        variance = self.activation(centred, torch.square).mean(dims, keepdim=True)
        outputs = self.product(centred, self.activation(variance, lambda one: (one + eps).rsqrt()))
        shape = (-1, *[1] * (values.ndim - 2)) if by_group else tuple(over)
        outputs = outputs.reshape(values.shape)
        outputs = outputs if weight is None else outputs * weight.view(shape)
        return outputs if bias is None else outputs + bias.view(shape)


class _Activation(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, function: Activation, of: Activation) -> Tensor:
        outputs = function(values)
        ctx.save_for_backward(values, outputs)
        ctx.function, ctx.of = function, of
        return outputs

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        values, outputs = ctx.saved_tensors
        change = values - ctx.of(values)
        slope = (outputs - ctx.of(outputs)) / change
        near = change.abs() <= _NEAR * values.abs()
        if near.any():
            with torch.enable_grad():
                leaf = values.detach().requires_grad_()
                (own,) = torch.autograd.grad(ctx.function(leaf).sum(), leaf)
            slope = torch.where(near, own, slope)
        return gradients[0] * slope, None, None


class _Maximum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, function: Pooling, of: Activation) -> Tensor:
        outputs, places = function(values)
        ctx.save_for_backward(values, outputs, places)
        ctx.of = of
        return outputs

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        values, outputs, places = ctx.saved_tensors
        change, base = values - ctx.of(values), ctx.of(outputs)
        # The change to the larger maximum belongs to the place of the one, the rest to that of the other.
        larger = torch.maximum(outputs, base)
        shares = _scattered(gradients[0] * (larger - base), places, values)
        shares += _scattered(gradients[0] * (outputs - larger), ctx.of(places), values)
        near = change.abs() <= _NEAR * values.abs()
        return torch.where(near, _scattered(gradients[0], places, values), shares / change), None, None


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, one: Tensor, other: Tensor, of: Activation) -> Tensor:
        ctx.save_for_backward(one, other)
        ctx.of = of
        return one * other

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None]:
        one, other = ctx.saved_tensors
        for_one, for_other = (gradients[0] * (factor + ctx.of(factor)) / 2 for factor in (other, one))
        return for_one.sum_to_size(one.shape), for_other.sum_to_size(other.shape), None


def _scattered(values: Tensor, places: Tensor, like: Tensor) -> Tensor:
    """Return values (n, c, h', w') added up at places, indices of h × w, as a tensor `like` (n, c, h, w)."""
    flat = torch.zeros_like(like, memory_format=torch.contiguous_format).flatten(-2)
    return flat.scatter_add(-1, places.flatten(-2), values.flatten(-2)).reshape(like.shape)
