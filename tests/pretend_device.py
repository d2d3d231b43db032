"""A device that is only pretended: it shows without a GPU whether code would run on one.

Its tensors keep their values on the CPU, say that they lie on `pretend`, and refuse what a real device
refuses: operations that mix devices, random generators of the CPU, and `.numpy()`. Importing this file
registers it for the whole process, in which torch then no longer works with a GPU.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch.utils import backend_registration
from torch.utils._pytree import tree_leaves, tree_map

from tests.chosen_device import PRETEND

_aten = torch.ops.aten
_COPIES = {_aten.copy_.default, _aten._to_copy.default}
"""Operations that may have tensors of two devices."""
_INDEXED = {_aten.index.Tensor, _aten.index_put.default, _aten.index_put_.default, _aten._unsafe_index.Tensor}
"""Operations whose indices may be on the CPU."""


class PretendTensor(torch.Tensor):
    """A tensor of the pretended device; `raw` holds its values."""

    raw: torch.Tensor

    @staticmethod
    def __new__(cls, raw: torch.Tensor) -> PretendTensor:
        """Wrap a tensor of the CPU."""
        made: PretendTensor = torch.Tensor._make_wrapper_subclass(
            cls,
            raw.size(),
            strides=raw.stride(),
            storage_offset=raw.storage_offset(),
            dtype=raw.dtype,
            device=torch.device(PRETEND, 0),
        )
        made.raw = raw
        return made

    def __repr__(self, **_: object) -> str:  # type: ignore[override]
        return f"PretendTensor({self.raw})"

    def tolist(self) -> Any:
        """Return the values as a list, as every real device does."""
        return self.raw.tolist()

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls,
        func: Any,
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Carry out an operation on the values."""
        return _carry_out(func, args, dict(kwargs or {}))


def _carry_out(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    _refuse_mixes(func, args, kwargs)
    wanted = kwargs.get("device")
    if wanted is not None:
        kwargs["device"] = torch.device("cpu")
    found = func(*tree_map(_raw, args), **tree_map(_raw, kwargs))
    leaves_device = wanted is not None and torch.device(wanted).type != PRETEND
    if func is _aten.copy_.default:
        return args[0]
    if leaves_device:
        return found
    given = {id(one.raw): one for one in tree_leaves((args, kwargs)) if isinstance(one, PretendTensor)}
    # What works in place returns the tensor itself.
    return tree_map(
        lambda one: given.get(id(one), PretendTensor(one)) if isinstance(one, torch.Tensor) else one, found
    )


def _refuse_mixes(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    generator = kwargs.get("generator")
    if generator is not None:
        raise RuntimeError(f"{func} on {PRETEND} got a generator of {generator.device}.")
    if func in _COPIES:
        return
    checked = (args[0], *args[2:]) if func in _INDEXED else args
    for one in tree_leaves((checked, kwargs)):
        # As in torch, a single number may come from the CPU.
        if isinstance(one, torch.Tensor) and not isinstance(one, PretendTensor) and one.dim():
            raise RuntimeError(f"{func} mixes {PRETEND} and {one.device}.")


def _raw(one: Any) -> Any:
    return one.raw if isinstance(one, PretendTensor) else one


def _copy_from(source: torch.Tensor, into: torch.Tensor, non_blocking: bool = False) -> torch.Tensor:
    """Copy where torch does not ask the tensor's class, as in `torch.tensor(…, device=…)`."""
    _raw(into).copy_(_raw(source))
    return into


def _creator(func: Any) -> Callable[..., Any]:
    return lambda *args, **kwargs: _carry_out(func, args, kwargs)


backend_registration._setup_privateuseone_for_python_backend(PRETEND)
_LIBRARY = torch.library.Library("aten", "IMPL")
for _operation in (_aten.empty.memory_format, _aten.empty_strided.default):
    _LIBRARY.impl(_operation, _creator(_operation), "PrivateUse1")
_LIBRARY.impl("_copy_from", _copy_from, "PrivateUse1")
