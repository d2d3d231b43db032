"""The registry of attribution algorithms; it loads neither torch nor Captum.

An algorithm is one file. Those of this project have a line in `_SHIPPED`; those of other packages have an
entry point in the group `unlearn_lens.algorithms` that names the class; notebooks call `register`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Any, TypeVar

from unlearn_core.catalog.entries import ClassifierEntry, classifier_entry
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
"""Algorithms of Captum that silently give wrong maps for every classifier, and why."""

_NAME = re.compile("[a-z0-9]+(-[a-z0-9]+)*")
_registered: dict[str, Algorithm] = {}
Kind = TypeVar("Kind", bound=type[Algorithm])


def algorithms() -> tuple[Algorithm, ...]:
    """Return the algorithms of this project, then those of other packages, then the registered ones."""
    return (*_installed(), *_registered.values())


def register(kind: Kind) -> Kind:
    """Register an algorithm in this process and return it; usable as a decorator.

    An algorithm registered before under the same name is replaced.

    Raises:
        UserError: the name of another algorithm, or an invalid class.
    """
    replaced = _registered.get(getattr(kind, "name", ""))
    algorithm = _checked(kind, [one for one in algorithms() if one is not replaced])
    _registered[algorithm.name] = algorithm
    return kind


def algorithm_entry(name: str) -> Algorithm:
    """Return the algorithm; an unknown name raises `UserError` that lists the known ones.

    `NAME:LAYER` is an algorithm at another layer than its default one.
    """
    plain, _, layer = name.partition(":")
    for entry in algorithms():
        if entry.name == plain:
            found = entry.at_layer(layer) if layer else entry
            if found is not None:
                return found
    raise UserError(f"There is no algorithm {name}; available: {', '.join(e.name for e in algorithms())}.")


def offered(classifier: str) -> tuple[Algorithm, ...]:
    """Return the algorithms that are valid for a classifier of the catalog, then those at other layers."""
    known = classifier_entry(classifier)
    right = [entry for entry in algorithms() if _why_off(entry, known) is None]
    others = [
        algorithm_entry(f"{entry.name}:{layer}") for entry in right for layer in entry.other_layers(known)
    ]
    return (*right, *others)


def check_offered(classifier: str, algorithm: str) -> None:
    """Raise `UserError` for an algorithm that is unknown or not valid for a classifier."""
    entry = algorithm_entry(algorithm)
    reason = _why_off(entry, classifier_entry(classifier))
    if reason or algorithm not in [one.name for one in offered(classifier)]:
        raise UserError(f"{entry.title} is not valid for {classifier}: it {reason or 'would be wrong.'}")


def switched_off(classifier: str) -> tuple[tuple[str, str], ...]:
    """Return title and reason of each algorithm that is not valid for a classifier."""
    known = classifier_entry(classifier)
    reasons = ((entry.title, _why_off(entry, known)) for entry in algorithms())
    return (*((title, reason) for title, reason in reasons if reason is not None), *NEVER_OFFERED)


def _why_off(entry: Algorithm, classifier: ClassifierEntry) -> str | None:
    """Return why an algorithm is off: its own reason, or what was measured when the classifier was added."""
    return entry.why_wrong(classifier) or dict(classifier.unsound or ()).get(entry.name)


def declared_settings(names: Iterable[str] | None = None) -> tuple[Setting[Any], ...]:
    """Return the settings of the named algorithms, or of all, each once and always in the same order."""
    every = {setting.name: setting for entry in algorithms() for setting in entry.settings}
    if names is None:
        return tuple(every.values())
    used = {setting.name for name in names for setting in algorithm_entry(name).settings}
    return tuple(setting for setting in every.values() if setting.name in used)


@cache
def _installed() -> tuple[Algorithm, ...]:
    return shipped_and_installed("unlearn_core.measuring.attribution.algorithms", _SHIPPED, GROUP, _checked)


def _checked(kind: Any, others: Iterable[Algorithm]) -> Algorithm:
    """Return an instance of an algorithm's class; an invalid class raises `UserError`."""
    if not (isinstance(kind, type) and issubclass(kind, Algorithm)):
        raise UserError(f"{kind!r} is not a class derived from Algorithm.")
    for word in ("name", "title", "reading"):
        if not isinstance(getattr(kind, word, None), str):
            raise UserError(f"The algorithm {kind.__name__} has no {word}.")
    if not _NAME.fullmatch(kind.name):
        raise UserError(f"{kind.name!r} is not a valid name: use lower case, digits and hyphens.")
    for other in others:
        if other.name == kind.name:
            raise UserError(f"There is already an algorithm {kind.name}.")
        for mine in kind.settings:
            if any(mine.name == theirs.name and mine != theirs for theirs in other.settings):
                raise UserError(f"The setting {mine.name} of {kind.name} differs from that of {other.name}.")
    return kind()
