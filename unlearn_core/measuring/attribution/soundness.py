"""Which attribution algorithms are right on a classifier, measured on a few photos when it is added."""

import time
import warnings

import torch
from torch import Tensor

from unlearn_core.catalog.classifiers import Classifier
from unlearn_core.catalog.custom.behaviour import real_pictures
from unlearn_core.catalog.custom.introspect import last_layer, random_weights
from unlearn_core.common.budget import Budget
from unlearn_core.common.devices import device_of
from unlearn_core.common.sharing import is_shared
from unlearn_core.errors import first_line
from unlearn_core.measuring.attribution.algorithms.base import Algorithm
from unlearn_core.measuring.attribution.convergence import convergence_delta, score_change
from unlearn_core.measuring.attribution.explain import explanation
from unlearn_core.measuring.attribution.registry import algorithms
from unlearn_core.measuring.attribution.settings import PATCHES, Settings, baseline_value

PICTURES = Budget(4, 2)
MOST_SECONDS = 60.0
"""Then algorithms that are right on every function, whatever its layers, are no longer measured."""
MOST_MISSED = 0.01
"""Share of the score's change, in maps that should sum to it: on other pictures it may be twice as much."""
_EXCEPTIONS = 0.05
"""Share of the pictures of which the map may miss more."""
_ROUNDING = 0.01
"""Difference of two maps that counts as none, as a share of the largest value."""
_MEASURABLE = 1e-4
"""Share of the largest score: a smaller difference of scores is mostly rounding errors, as an untrained
network may give for all pictures."""
_FEW: Settings = {PATCHES.name: PATCHES.minimum}


def unsound(classifier: Classifier) -> dict[str, str]:
    """Return the algorithms that are wrong on a classifier, each with the end of a sentence that says why.

    The classifier must be in eval mode.
    """
    pixels = real_pictures(classifier.channels, classifier.input_size, PICTURES.of(classifier.input_size))
    pixels = pixels.to(device_of(classifier.module))
    start, found = time.monotonic(), {}
    trained = [weight for weight in classifier.module.parameters() if weight.requires_grad]
    try:
        for weight in trained:
            weight.requires_grad_(False)
        with torch.no_grad():
            targets = classifier.module(pixels).argmax(1)
        with warnings.catch_warnings():
            # Captum's, of hooks and of gradients that it switches on.
            warnings.simplefilter("ignore")
            # The general ones last: they are slow, and seldom wrong.
            for entry in sorted(algorithms(), key=lambda one: one.is_general):
                if entry.is_general and time.monotonic() - start > MOST_SECONDS:
                    break
                if reason := why_unsound(entry, classifier, pixels, targets):
                    found[entry.name] = reason
    finally:
        for weight in trained:
            weight.requires_grad_()
    return found


def why_unsound(
    entry: Algorithm,
    classifier: Classifier,
    pixels: Tensor,
    targets: Tensor,
    most_missed: float = MOST_MISSED,
) -> str | None:
    """Return why an algorithm is wrong on a classifier, the end of a sentence; None if it is right.

    Args:
        entry: the algorithm.
        classifier: its weights without gradients.
        pixels: (n, c, size, size), n at least 2.
        targets: int64 (n,).
        most_missed: share of the score's change.
    """
    try:
        return entry.why_unsound(classifier, pixels) or _measured(
            entry, classifier, pixels, targets, most_missed
        )
    # A user's network may raise anything.
    except Exception as error:
        cause = error.__cause__ or error
        words = type(cause).__name__ if is_shared() else first_line(cause)
        return f"does not work on this classifier: {words}."


def _measured(
    entry: Algorithm, classifier: Classifier, pixels: Tensor, targets: Tensor, most_missed: float
) -> str | None:
    """Return why the maps of an algorithm are wrong; None if they are right, or too weak to tell."""
    settings = entry.complete(entry.own(_FEW))

    def maps_of(count: int) -> Tensor:
        return explanation(classifier, pixels[-count:], targets[-count:], entry.name, settings=settings)

    maps = maps_of(len(pixels))
    with torch.no_grad():
        scores = classifier.module(pixels)
    least = _MEASURABLE * float(scores.abs().max())
    if PATCHES in entry.settings and float(maps.abs().max()) <= least:
        return None
    if entry.is_complete:
        baseline = baseline_value(pixels, settings)
        missed = convergence_delta(classifier, pixels, targets, maps, baseline)
        missed = missed[score_change(classifier, pixels, targets, baseline).abs() > least]
        if len(missed) and (missed > most_missed).double().mean() > _EXCEPTIONS:
            share = 100 * float(missed.max())
            return f"misses up to {share:.0f}% of the score's change on this classifier."
        if entry.is_general:
            return None
    alone = maps_of(1)
    if _apart(maps[-1:], alone) > _ROUNDING:
        return "gives a picture another map in a batch than alone on this classifier."
    layer = last_layer(classifier.module, pixels[:1])
    # Grad-CAM is empty for a picture none of whose regions speaks for the class.
    count = 1 if alone.any() else len(pixels)
    with random_weights(classifier.module.get_submodule(layer)):
        other = maps_of(count)
    empty = not (maps[-count:].any() or other.any())
    if empty and float((scores - scores[:1]).abs().max()) > least:
        return "gives an empty map for every picture on this classifier."
    if not empty and _apart(maps[-count:], other) <= _ROUNDING:
        return "gives the same map when the last layer of this classifier is replaced by a random one."
    return None


def _apart(one: Tensor, other: Tensor) -> float:
    """Return the largest difference of two maps as a share of the largest value; 0 if both are empty."""
    largest = max(float(one.abs().max()), float(other.abs().max()))
    return float((one - other).abs().max()) / largest if largest else 0.0
