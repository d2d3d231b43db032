"""The registry of unlearning methods; it does not load torch.

A method is one file: a class with its preparation and loss, and an `entry` with its name and options. Methods
of this project have a line in `_SHIPPED`; those of other packages have an entry point in the group
`unlearn_lens.methods` that names the class; notebooks call `register`, or pass an instance to `unlearn`.
"""

import logging
from dataclasses import replace
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from unlearn_core.errors import UserError
from unlearn_core.forgetting.entry import MethodEntry

if TYPE_CHECKING:
    from unlearn_core.forgetting.methods.base import Method

GROUP = "unlearn_lens.methods"
_SHIPPED = (
    "anchor:Anchor",
    "adv_imp:AdvImp",
    "adv:Adv",
    "neggrad:NegGrad",
    "npo:Npo",
    "random_labels:RandomLabels",
    "boundary_shrink:BoundaryShrink",
    "amun:Amun",
    "jit:JiT",
    "mu_mis:MuMis",
    "fine_tune:FineTune",
    "scrub:Scrub",
    "salun:SalUn",
    "ssd:Ssd",
    "retrain:Retrain",
)
_log = logging.getLogger(__name__)
_registered: "list[type[Method]]" = []


def methods() -> tuple[MethodEntry, ...]:
    """Return the methods of this project, then those of other packages, then the registered ones."""
    return (*_installed(), *map(_entry_of, _registered))


def register(method: "type[Method]") -> "type[Method]":
    """Register a method in this process and return it; a name that is taken raises `UserError`."""
    if method.entry.name in [entry.name for entry in methods()]:
        raise UserError(f"There is a method {method.entry.name} already.")
    _registered.append(method)
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
    found = {}
    for where in _SHIPPED:
        module, _, name = where.partition(":")
        method = getattr(import_module(f"unlearn_core.forgetting.methods.{module}"), name)
        found[method.entry.name] = _entry_of(method)
    for point in entry_points(group=GROUP):
        try:
            entry = _entry_of(point.load())
        # Code of another package may raise anything; the other methods stay available.
        except Exception:
            _log.exception("The method %s of another package cannot be loaded.", point.value)
            continue
        if found.setdefault(entry.name, entry) is not entry:
            _log.error("The method %s of %s is ignored: its name is taken.", entry.name, point.value)
    return tuple(found.values())


def _entry_of(method: "type[Method]") -> MethodEntry:
    return replace(method.entry, target=f"{method.__module__}:{method.__qualname__}")
