"""Copies of a set inside itself: some archives, as of malaria cells, hold all class folders twice."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence

from unlearn_core.catalog.sources.split_words import split_of
from unlearn_core.catalog.sources.walk import folders_around


def nested_copies(names: Sequence[str]) -> dict[str, str]:
    """Return a sentence about each file in a folder that has in it exactly what is beside it.

    Args:
        names: paths with `/` in the set.
    """
    in_order = sorted(names)
    inside = Counter(folder for name in names for folder in folders_around(name))
    inside[""] = len(names)
    for folder, count in inside.items():
        around, _, last = folder.rpartition("/")
        if not folder or 2 * count != inside[around] or split_of(last):
            continue
        copies = _below(in_order, folder)
        these = set(copies)
        own = {name.removeprefix(f"{folder}/") for name in copies}
        start = f"{around}/" if around else ""
        beside = {name.removeprefix(start) for name in _below(in_order, around) if name not in these}
        if own == beside and any("/" in name for name in own):
            return {name: f"{name} is in a copy of the folders beside {last}." for name in copies}
    return {}


def _below(in_order: Sequence[str], folder: str) -> Sequence[str]:
    """Return the files below a folder, "" for all: in order they stand together."""
    if not folder:
        return in_order
    return in_order[bisect_left(in_order, f"{folder}/") : bisect_left(in_order, f"{folder}0")]
