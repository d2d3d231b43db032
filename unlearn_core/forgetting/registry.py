"""The registry of unlearning methods; it does not load torch.

A method is one file: a class with its preparation and loss, and an `entry` with its name and options. Methods
of this project have a line in `_SHIPPED`; those of other packages have an entry point in the group
`unlearn_lens.methods` that names the class; notebooks call `register`, or pass an instance to `unlearn`.
"""

from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from unlearn_core.common.plug_ins import shipped_and_installed
from unlearn_core.errors import UserError
from unlearn_core.forgetting.entry import MethodEntry

if TYPE_CHECKING:
    from unlearn_core.forgetting.methods.base import Method

GROUP = "unlearn_lens.methods"
_SHIPPED = (
    "anchor:Anchor",
    "adv_imp:AdvImp",
    "adv:Adv",
    "struct_guard:StructGuard",
    "neggrad:NegGrad",
    "npo:Npo",
    "random_labels:RandomLabels",
    "boundary_shrink:BoundaryShrink",
    "amun:Amun",
    "jit:JiT",
    "mu_mis:MuMis",
    "delete:Delete",
    "esc:Esc",
    "fine_tune:FineTune",
    "scrub:Scrub",
    "salun:SalUn",
    "ssd:Ssd",
    "retrain:Retrain",
)
_registered: dict[str, MethodEntry] = {}


def methods() -> tuple[MethodEntry, ...]:
    """Return the methods of this project, then those of other packages, then those that were registered."""
    return (*_installed(), *_registered.values())


def register(method: "type[Method]") -> "type[Method]":
    """Add a method to this process's list and return it, so that this can be a decorator.

    One that was registered under the same name is replaced, as when a notebook's cell runs again; the name of
    another method raises `UserError`.
    """
    replaced = _registered.get(method.entry.name)
    entry = _checked(method, [one for one in methods() if one is not replaced])
    _registered[entry.name] = entry
    return method


def method_entry(name: str) -> MethodEntry:
    """Return the method's entry; an unknown name raises `UserError` that lists the known ones."""
    for entry in methods():
        if entry.name == name:
            return entry
    raise UserError(f"There is no method {name}; available: {', '.join(e.name for e in methods())}.")


def load_method(entry: MethodEntry) -> "type[Method]":
    """Import and return the class of a method."""
    module, _, name = entry.target.partition(":")
    return getattr(import_module(module), name)


@cache
def _installed() -> tuple[MethodEntry, ...]:
    return shipped_and_installed("unlearn_core.forgetting.methods", _SHIPPED, GROUP, _checked)


def _checked(method: "type[Method]", others: Iterable[MethodEntry]) -> MethodEntry:
    """Return the entry of a method; a name that is taken raises `UserError`."""
    if method.entry.name in [entry.name for entry in others]:
        raise UserError(f"There is a method {method.entry.name} already.")
    return replace(method.entry, target=f"{method.__module__}:{method.__qualname__}")
