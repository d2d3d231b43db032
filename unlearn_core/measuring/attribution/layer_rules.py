"""Backward rules in place of the gradient at activations, max pooling, products and quotients.

Captum's rules are hooks of modules: they do not see functional calls, fail where a module is used twice, know
few activations, and lose contributions where the windows of max pooling overlap. These apply to each call.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
_MAXIMA = frozenset(("max", "amax"))
_BILINEAR: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    **dict.fromkeys(("mul", "rmul", "imul", "multiply"), torch.mul),
    **dict.fromkeys(("matmul", "bmm"), torch.matmul),
}
_QUOTIENTS = frozenset(("div", "truediv", "itruediv", "true_divide", "divide"))
_COMPOSED = frozenset(
    ("layer_norm", "group_norm", "normalize", "softmax", "scaled_dot_product_attention"),
)
_NEAR = 1e-4
"""Relative difference of two inputs below which the gradient is more exact than the ratio of differences."""

Activation = Callable[[Tensor], Tensor]
Pooling = Callable[[Tensor], tuple[Tensor, Tensor]]
Bilinear = Callable[[Tensor, Tensor], Tensor]


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
        name, given = getattr(func, "__name__", "").strip("_"), dict(kwargs or {})
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
        if name in _MAXIMA and (asked := _one_dimension(*others, **given)):
            largest = self.largest(values, *asked)
            return largest if name == "amax" else torch.return_types.max((largest, values.max(*asked)[1]))
        if name in _BILINEAR and _both_depend(values, others):
            return self.product(_BILINEAR[name], values, others[0])
        if name in _QUOTIENTS and not given and _both_depend(values, others):
            return self.quotient(values, others[0])
        own = getattr(self, name, None) if name in _COMPOSED else None
        if own is not None:
            return own(values, *others, **given)
        return func(*args, **(kwargs or {}))

    def activation(self, values: Tensor, function: Activation) -> Tensor:
        """Return the activation's outputs."""
        return function(values)

    def pooling(self, values: Tensor, function: Pooling) -> Tensor:
        """Return the maxima; `function` also returns their places."""
        return function(values)[0]

    def largest(self, values: Tensor, dim: int, keepdim: bool) -> Tensor:
        """Return the largest values along a dimension, by pooling with one window for all of it."""
        window = values.movedim(dim, -1).unsqueeze(-2)
        found = self.pooling(window, lambda one: one.max(-1, keepdim=True))
        found = found.squeeze(-2).movedim(-1, dim)
        return found if keepdim else found.squeeze(dim)

    def product(self, function: Bilinear, one: Tensor, other: Tensor) -> Tensor:
        """Return the product of two tensors that both depend on the picture."""
        return function(one, other)

    def quotient(self, one: Tensor, other: Tensor) -> Tensor:
        """Return the quotient of two tensors that both depend on the picture."""
        return one / other


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

    A product counts each factor's difference times the mean of the other factor. Norms and attention are made
    of these.

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

    def product(self, function: Bilinear, one: Tensor, other: Tensor) -> Tensor:
        """Return the product."""
        return _Product.apply(  # type: ignore[no-any-return,no-untyped-call,unused-ignore]
            one, other, function, self.of
        )

    def layer_norm(
        self,
        values: Tensor,
        shape: Sequence[int],
        weight: Tensor | None = None,
        bias: Tensor | None = None,
        eps: float = 1e-5,
    ) -> Tensor:
        """Return what the function of this name returns."""
        outputs = self._standardised(values, tuple(range(-len(shape), 0)), eps)
        outputs = outputs if weight is None else outputs * weight
        return outputs if bias is None else outputs + bias

    def group_norm(
        self,
        values: Tensor,
        groups: int,
        weight: Tensor | None = None,
        bias: Tensor | None = None,
        eps: float = 1e-5,
    ) -> Tensor:
        """Return what the function of this name returns."""
        parts, shape = values.unflatten(1, (groups, -1)), (-1, *[1] * (values.ndim - 2))
        outputs = self._standardised(parts, tuple(range(2, parts.ndim)), eps).reshape(values.shape)
        outputs = outputs if weight is None else outputs * weight.view(shape)
        return outputs if bias is None else outputs + bias.view(shape)

    def quotient(self, one: Tensor, other: Tensor) -> Tensor:
        """Return the quotient."""
        return self.product(torch.mul, one, self.activation(other, torch.reciprocal))

    def normalize(self, values: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12, **_: Any) -> Tensor:
        """Return what the function of this name returns."""
        if p != 2:
            return F.normalize(values, p, dim, eps)
        squares = self.activation(values, torch.square).sum(dim, keepdim=True)
        lengths = self.activation(squares, lambda one: one.clamp_min(eps**2).rsqrt())
        return self.product(torch.mul, values, lengths)

    def softmax(self, values: Tensor, dim: int, *_: Any, **__: Any) -> Tensor:
        """Return what the function of this name returns."""
        # The same shift for a picture and its reference.
        shift = values.detach().amax(dim, keepdim=True).amax(0, keepdim=True)
        powers = self.activation(values - shift, torch.exp)
        return self.quotient(powers, powers.sum(dim, keepdim=True))

    def scaled_dot_product_attention(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        attn_mask: Tensor | None = None,
        dropout_p: float = 0.0,
        is_causal: bool = False,
        scale: float | None = None,
        **others: Any,
    ) -> Tensor:
        """Return what the function of this name returns, of a network in eval mode."""
        if is_causal or others:
            return F.scaled_dot_product_attention(
                query, key, value, attn_mask, dropout_p, is_causal, scale=scale, **others
            )
        sized = query * (query.shape[-1] ** -0.5 if scale is None else scale)
        scores = self.product(torch.matmul, sized, key.transpose(-2, -1))
        if attn_mask is not None:
            forbidden = attn_mask.dtype == torch.bool
            scores = scores.masked_fill(~attn_mask, -1e4) if forbidden else scores + attn_mask
        return self.product(torch.matmul, self.softmax(scores, -1), value)

    def _standardised(self, values: Tensor, dims: tuple[int, ...], eps: float) -> Tensor:
        centred = values - values.mean(dims, keepdim=True)
        variance = self.activation(centred, torch.square).mean(dims, keepdim=True)
        return self.product(torch.mul, centred, self.activation(variance, lambda one: (one + eps).rsqrt()))


class _Activation(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, function: Activation, of: Activation) -> Tensor:
        # Outputs are computed again, since networks add to them in place.
        ctx.save_for_backward(values)
        ctx.function, ctx.of = function, of
        return function(values)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (values,) = ctx.saved_tensors
        outputs = ctx.function(values)
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
        ctx.save_for_backward(values)
        ctx.function, ctx.of = function, of
        return function(values)[0]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (values,) = ctx.saved_tensors
        outputs, places = ctx.function(values)
        change, base = values - ctx.of(values), ctx.of(outputs)
        # The change to the larger maximum belongs to the place of the one, the rest to that of the other.
        larger = torch.maximum(outputs, base)
        shares = _scattered(gradients[0] * (larger - base), places, values)
        shares += _scattered(gradients[0] * (outputs - larger), ctx.of(places), values)
        near = change.abs() <= _NEAR * values.abs()
        return torch.where(near, _scattered(gradients[0], places, values), shares / change), None, None


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, one: Tensor, other: Tensor, function: Bilinear, of: Activation) -> Tensor:
        ctx.save_for_backward(one, other)
        ctx.function, ctx.of = function, of
        return function(one, other)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None, None]:
        with torch.enable_grad():
            means = [((one + ctx.of(one)) / 2).detach().requires_grad_() for one in ctx.saved_tensors]
            for_one, for_other = torch.autograd.grad(ctx.function(*means), means, gradients[0])
        return for_one, for_other, None, None


def _both_depend(one: Tensor, others: Sequence[Any]) -> bool:
    """Return whether a product is one of two tensors that depend on the picture."""
    other = others[0] if len(others) == 1 else None
    return isinstance(other, Tensor) and one.requires_grad and other.requires_grad


def _one_dimension(dim: Any = None, keepdim: bool = False, **others: Any) -> tuple[int, bool] | None:
    """Return what a maximum along one dimension asks for; None for any other."""
    return None if others or not isinstance(dim, int) else (dim, keepdim)


def _scattered(values: Tensor, places: Tensor, like: Tensor) -> Tensor:
    """Return values (n, c, h', w') added up at places, indices of h × w, as a tensor `like` (n, c, h, w)."""
    flat = torch.zeros_like(like, memory_format=torch.contiguous_format).flatten(-2)
    return flat.scatter_add(-1, places.flatten(-2), values.flatten(-2)).reshape(like.shape)
