"""How entries of the catalog are called in lists of choices."""

from collections import Counter
from collections.abc import Iterable

from unlearn_core.catalog.entries import ClassifierEntry
from unlearn_core.catalog.sources.base import ImageSetEntry


def distinct_titles(entries: Iterable[ClassifierEntry | ImageSetEntry]) -> dict[str, str]:
    """Return titles by name, with the name added where two entries have the same title.

    A list of choices sends the title back: twice the same one would always mean the second entry.
    """
    entries = list(entries)
    often = Counter(entry.title for entry in entries)
    return {
        entry.name: entry.title if often[entry.title] == 1 else f"{entry.title} ({entry.name})"
        for entry in entries
    }
