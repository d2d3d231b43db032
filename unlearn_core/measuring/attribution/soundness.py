"""Which attribution algorithms are right on a classifier, measured on a few photos when it is added."""

import time

import torch
from torch import Tensor, nn

from unlearn_core.catalog.classifiers import Classifier, as_classifier
from unlearn_core.catalog.custom.introspect import last_layer, random_weights
from unlearn_core.catalog.custom.real_pictures import real_pictures
from unlearn_core.catalog.records.classifier_record import CustomClassifier
from unlearn_core.common.budget import Budget
from unlearn_core.common.devices import choose_device
from unlearn_core.errors import first_line
from unlearn_core.measuring.attribution.algorithms.base import Algorithm
from unlearn_core.measuring.attribution.convergence import convergence_delta
from unlearn_core.measuring.attribution.explain import explanation
from unlearn_core.measuring.attribution.registry import algorithms
from unlearn_core.measuring.attribution.settings import PATCHES, Settings, baseline_value

PICTURES = Budget(4, 2)
MOST_SECONDS = 60.0
"""Then algorithms that are right on every function, whatever its layers, are no longer measured."""
MOST_MISSED = 0.02
"""Of the score's change, in maps that should sum to it."""
_EXCEPTIONS = 0.05
"""Share of the pictures of which the map may miss more."""
_ROUNDING = 0.01
"""Difference of two maps that counts as none, as a share of the largest value."""
_FEW: Settings = {PATCHES.name: PATCHES.minimum}


def examined(record: CustomClassifier, module: nn.Module) -> CustomClassifier:
    """Return a classifier's record with the algorithms that are wrong on it.

    Args:
        record: of a classifier that is to be added.
        module: its module, in eval mode.
    """
    device, count = choose_device("auto"), PICTURES.of(record.input_size)
    pixels = real_pictures(record.channels, record.input_size, count).to(device)
    found = unsound(as_classifier(record, module.to(device)), pixels)
    module.cpu()
    return record.model_copy(update={"unsound": found})


def unsound(classifier: Classifier, pixels: Tensor) -> dict[str, str]:
    """Return the algorithms that are wrong on a classifier, each with the end of a sentence that says why.

    Args:
        classifier: in eval mode, on the device of `pixels`.
        pixels: float (n, c, size, size) in [0, 1], n at least 2.
    """
    start, found = time.monotonic(), {}
    frozen = [weight for weight in classifier.module.parameters() if weight.requires_grad]
    try:
        for weight in frozen:
            weight.requires_grad_(False)
        with torch.no_grad():
            targets = classifier.module(pixels).argmax(1)
        # The general ones last: they are slow, and seldom wrong.
        for entry in sorted(algorithms(), key=lambda one: one.is_general):
            if entry.is_general and time.monotonic() - start > MOST_SECONDS:
                break
            if reason := why_unsound(entry, classifier, pixels, targets):
                found[entry.name] = reason
    finally:
        for weight in frozen:
            weight.requires_grad_()
    return found


def why_unsound(entry: Algorithm, classifier: Classifier, pixels: Tensor, targets: Tensor) -> str | None:
    """Return why an algorithm is wrong on a classifier, the end of a sentence; None if it is right.

    Args:
        entry: the algorithm.
        classifier: its weights without gradients.
        pixels: (n, c, size, size), n at least 2.
        targets: int64 (n,).
    """
    settings = entry.complete(entry.own(_FEW))

    def maps_of(count: int) -> Tensor:
        return explanation(classifier, pixels[-count:], targets[-count:], entry.name, settings=settings)

    try:
        if reason := entry.why_unsound(classifier, pixels):
            return reason
        maps = maps_of(len(pixels))
        if entry.is_complete:
            baseline = baseline_value(pixels, settings)
            missed = convergence_delta(classifier, pixels, targets, maps, baseline)
            if (missed > MOST_MISSED).double().mean() > _EXCEPTIONS:
                share = 100 * float(missed.max())
                return f"misses up to {share:.0f} % of the score's change on this classifier."
            if entry.is_general:
                return None
        alone = maps_of(1)
        if _apart(maps[-1:], alone) > _ROUNDING:
            return "gives a picture another map in a batch than alone on this classifier."
        layer = last_layer(classifier.module, pixels[:1])
        with random_weights(classifier.module.get_submodule(layer)):
            other = maps_of(1)
        if _apart(alone, other) <= _ROUNDING:
            return "gives the same map when the last layer of this classifier is replaced by a random one."
    # A user's network may raise anything.
    except Exception as error:
        return f"does not work on this classifier: {first_line(error.__cause__ or error)}."
    return None


def _apart(one: Tensor, other: Tensor) -> float:
    """Return the largest difference of two maps as a share of the largest value; 0 if both are empty."""
    largest = max(float(one.abs().max()), float(other.abs().max()))
    return float((one - other).abs().max()) / largest if largest else 0.0
