"""The attribution algorithms that can be picked, without loading torch or Captum.

An algorithm is one file. One of this project has a line in `_SHIPPED`; one of another package has an entry
point in the group `unlearn_lens.algorithms` that names the class; one of a notebook goes to `register`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Any, TypeVar

from unlearn_core.catalog.entries import classifier_entry
from unlearn_core.common.plug_ins import shipped_and_installed
from unlearn_core.errors import UserError
from unlearn_core.measuring.attribution.algorithms.base import Algorithm
from unlearn_core.measuring.attribution.settings import Setting

GROUP = "unlearn_lens.algorithms"
_SHIPPED = (
    "integrated_gradients:IntegratedGradients",
    "saliency:Saliency",
    "layer_gradcam:LayerGradCam",
    "occlusion:Occlusion",
    "input_x_gradient:InputXGradient",
    "smoothgrad:SmoothGrad",
    "gradient_shap:GradientShap",
    "feature_ablation:FeatureAblation",
    "deeplift:DeepLift",
    "guided_backprop:GuidedBackprop",
)
NEVER_OFFERED = (("LRP", "has no rule for residual connections with batch normalisation."),)
"""Algorithms of Captum that would quietly give a wrong picture on every classifier here, and why."""

_NAME = re.compile("[a-z0-9]+(-[a-z0-9]+)*")
_registered: dict[str, Algorithm] = {}
Kind = TypeVar("Kind", bound=type[Algorithm])


def algorithms() -> tuple[Algorithm, ...]:
    """Return the algorithms of this project, then those of other packages, then those registered."""
    return (*_installed(), *_registered.values())


def register(kind: Kind) -> Kind:
    """Add an algorithm to this process's list and return it, so that this can be a decorator.

    One that was registered under the same name is replaced, as when a notebook's cell runs again.

    Raises:
        UserError: a name that another algorithm has, or what is missing or wrong.
    """
    replaced = _registered.get(getattr(kind, "name", ""))
    algorithm = _checked(kind, [one for one in algorithms() if one is not replaced])
    _registered[algorithm.name] = algorithm
    return kind


def algorithm_entry(name: str) -> Algorithm:
    """Return the algorithm; an unknown name raises `UserError` that lists the known ones.

    `NAME:LAYER` is one that looks at a layer, at another layer than the usual one.
    """
    plain, _, layer = name.partition(":")
    for entry in algorithms():
        if entry.name == plain:
            found = entry.at_layer(layer) if layer else entry
            if found is not None:
                return found
    raise UserError(f"There is no algorithm {name}; there are {', '.join(e.name for e in algorithms())}.")


def offered(classifier: str) -> tuple[Algorithm, ...]:
    """Return the algorithms that are right on a classifier of the catalog, then those at other layers."""
    known = classifier_entry(classifier)
    right = [entry for entry in algorithms() if entry.why_wrong(known) is None]
    others = [
        algorithm_entry(f"{entry.name}:{layer}") for entry in right for layer in entry.other_layers(known)
    ]
    return (*right, *others)


def check_offered(classifier: str, algorithm: str) -> None:
    """Raise `UserError` for an algorithm that is unknown or not right on a classifier."""
    entry = algorithm_entry(algorithm)
    if algorithm not in [one.name for one in offered(classifier)]:
        raise UserError(f"{entry.title} would give a wrong picture of {classifier}.")


def switched_off(classifier: str) -> tuple[tuple[str, str], ...]:
    """Return title and reason of each algorithm that would quietly give a wrong picture on a classifier."""
    known = classifier_entry(classifier)
    reasons = ((entry.title, entry.why_wrong(known)) for entry in algorithms())
    return (*((title, reason) for title, reason in reasons if reason is not None), *NEVER_OFFERED)


def declared_settings(names: Iterable[str] | None = None) -> tuple[Setting[Any], ...]:
    """Return what can be set of the named algorithms, or of all, each once and always in the same order."""
    every = {setting.name: setting for entry in algorithms() for setting in entry.settings}
    if names is None:
        return tuple(every.values())
    used = {setting.name for name in names for setting in algorithm_entry(name).settings}
    return tuple(setting for setting in every.values() if setting.name in used)


@cache
def _installed() -> tuple[Algorithm, ...]:
    return shipped_and_installed("unlearn_core.measuring.attribution.algorithms", _SHIPPED, GROUP, _checked)


def _checked(kind: Any, others: Iterable[Algorithm]) -> Algorithm:
    """Return an algorithm of a class that may be a stranger's; `UserError` says what is wrong with it."""
    if not (isinstance(kind, type) and issubclass(kind, Algorithm)):
        raise UserError(f"{kind!r} is no class derived from Algorithm.")
    for word in ("name", "title", "reading"):
        if not isinstance(getattr(kind, word, None), str):
            raise UserError(f"The algorithm {kind.__name__} has no {word}.")
    if not _NAME.fullmatch(kind.name):
        raise UserError(f"{kind.name!r} is no name of an algorithm: lower case, digits and hyphens.")
    for other in others:
        if other.name == kind.name:
            raise UserError(f"There is an algorithm {kind.name} already.")
        for mine in kind.settings:
            if any(mine.name == theirs.name and mine != theirs for theirs in other.settings):
                raise UserError(f"The setting {mine.name} of {kind.name} is another one in {other.name}.")
    return kind()
