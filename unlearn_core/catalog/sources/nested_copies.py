"""Copies of a set inside itself: some archives, as of malaria cells, hold all class folders twice."""

from collections import Counter
from collections.abc import Iterator, Sequence

from unlearn_core.catalog.sources.split_words import split_of


def nested_copies(names: Sequence[str]) -> dict[str, str]:
    """Return a sentence about each file in a folder that has in it exactly what is beside it.

    Args:
        names: paths with `/` in the set.
    """
    inside = Counter(folder for name in names for folder in _around(name))
    inside[""] = len(names)
    for folder, count in inside.items():
        around, _, last = folder.rpartition("/")
        if not folder or 2 * count != inside[around] or split_of(last):
            continue
        start = f"{around}/" if around else ""
        copies = {name for name in names if name.startswith(f"{folder}/")}
        own = {name.removeprefix(f"{folder}/") for name in copies}
        beside = {name.removeprefix(start) for name in names if name.startswith(start)} - {
            name.removeprefix(start) for name in copies
        }
        if own == beside and any("/" in name for name in own):
            return {name: f"{name} is in a copy of the folders beside {last}." for name in copies}
    return {}


def _around(name: str) -> Iterator[str]:
    """Yield the folders around a file."""
    while name := name.rpartition("/")[0]:
        yield name
