"""The numbers that a run ends with, as the command line prints them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from unlearn_core.artifacts.predictions import EARLIER, FORGET

if TYPE_CHECKING:
    from unlearn_core.artifacts.predictions import Predictions


@dataclass(frozen=True)
class EarlierSet:
    """A forget set of an earlier run in a chain: ids in the image set and the labels that were forgotten."""

    run: str
    ids: tuple[int, ...]
    labels: tuple[int, ...]


@dataclass(frozen=True)
class Measured:
    """Every measured picture before and after, in the order of the image set."""

    ids: NDArray[np.int64]
    image_set: NDArray[np.int8]
    group: NDArray[np.int8]
    labels: NDArray[np.int64]
    labelled: NDArray[np.bool_]
    before: "Predictions"
    after: "Predictions"


def accuracy(measured: Measured, group: int) -> dict[str, float | int | None]:
    """Return accuracy in percent; of the forget set against the former prediction where there is no label."""
    chosen = measured.group == group
    if group != FORGET:
        chosen &= measured.labelled
    n = int(chosen.sum())
    if not n:
        return {"before": None, "after": None, "n": 0}
    labels = measured.labels[chosen]
    return {
        "before": _percent(measured.before.classes[chosen] == labels),
        "after": _percent(measured.after.classes[chosen] == labels),
        "n": n,
    }


def agreement(measured: Measured, group: int) -> float | None:
    """Return the percentage of a group predicted as before, None where the group is empty."""
    chosen = measured.group == group
    if not chosen.any():
        return None
    return _percent(measured.before.classes[chosen] == measured.after.classes[chosen])


def earlier_accuracy(measured: Measured, earlier: Sequence[EarlierSet]) -> list[dict[str, Any]]:
    """Return for each earlier forget set the percentage still (or again) predicted as its label."""
    positions = {int(measured.ids[place]): place for place in np.flatnonzero(measured.group == EARLIER)}
    found = []
    for one in earlier:
        chosen = [positions[picture] for picture in one.ids]
        labels = np.array(one.labels)
        found.append(
            {
                "run": one.run,
                "ids": list(one.ids),
                "labels": list(one.labels),
                "before": _percent(measured.before.classes[chosen] == labels),
                "after": _percent(measured.after.classes[chosen] == labels),
                "n": len(chosen),
            }
        )
    return found


NOTABLE_LOSS = 5.0
"""Points of accuracy or agreement; a loss above it is said in words."""


def remarks(result: dict[str, Any]) -> list[str]:
    """Return what a person should not miss: instances not forgotten, a real loss, earlier sets come back."""
    found = []
    if result["stopped"] == "step limit":
        found.append(f"Not everything was forgotten within {result['steps']} steps.")
    forget = result["accuracy"]["forget"]
    still = round(forget["after"] * forget["n"] / 100) if forget["n"] else 0
    if result["stopped"] == "forgotten" and still:
        found.append(f"Measured again, {still} of the {forget['n']} pictures are still recognised.")
    for name, title in (("retain", "D_r"), ("test", "D_test")):
        measured, agrees = result["accuracy"][name], result["agreement"][name]
        lost = (
            measured["before"] - measured["after"]
            if measured["n"]
            else 100 - (100 if agrees is None else agrees)
        )
        if lost > NOTABLE_LOSS:
            found.append(f"{title} lost {lost:.1f} points.")
    for one in result["earlier"]:
        back = round(one["after"] * one["n"] / 100)
        if back:
            found.append(f"{back} of the {one['n']} pictures forgotten by run {one['run']} are recognised.")
    return found


def _percent(hits: NDArray[np.bool_]) -> float:
    return round(100 * float(hits.mean()), 3)
