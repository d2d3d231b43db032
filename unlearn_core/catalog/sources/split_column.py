"""The column of a table that tells training and test pictures apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from unlearn_core.catalog.sources.split_words import Kind, split_of
from unlearn_core.catalog.sources.tables import IS_TEST, IS_TRAIN, column

SPLITS = ("split", "subset", "usage")
_MAYBE_SPLITS = ("part", "set", "partition", "dataset", "phase", "fold")
"""They may mean something else, and count only where one of their cells has a word for a split."""
_FLAGS: tuple[tuple[tuple[str, ...], Kind, Kind], ...] = (
    (IS_TEST, "train", "test"),
    (IS_TRAIN, "test", "train"),
)
"""Names of columns that say yes or no, and what no and yes mean."""
_NO, _YES = ("0", "0.0", "false", "no"), ("1", "1.0", "true", "yes")


@dataclass(frozen=True)
class SplitColumn:
    """A column of a table that tells test pictures; `flags` are its words if it only says yes or no."""

    place: int
    flags: Mapping[str, Kind] | None

    def kind(self, row: Sequence[str]) -> Kind | None:
        """Return what a row says, training where its cell is empty; None for an unknown word."""
        value = row[self.place].strip()
        if not value:
            return "train"
        if self.flags is not None:
            return self.flags.get(value.lower())
        return _kind(value)


def split_column(rows: Sequence[Sequence[str]]) -> SplitColumn | None:
    """Return the column of the split, None if there is none.

    Args:
        rows: of cells, the header first; those of another length are not looked at.
    """
    header = list(rows[0])
    place = column(header, SPLITS)
    for name in _MAYBE_SPLITS if place is None else ():
        maybe = column(header, (name,))
        if maybe is not None:
            cells = {row[maybe].strip() for row in rows[1:] if len(row) == len(header)} - {""}
            place = maybe if any(map(_kind, cells)) else place
    if place is not None:
        return SplitColumn(place, None)
    for names, no, yes in _FLAGS:
        place = column(header, names)
        if place is not None:
            return SplitColumn(place, {**dict.fromkeys(_NO, no), **dict.fromkeys(_YES, yes)})
    return None


def _kind(value: str) -> Kind | None:
    found = split_of(value)
    return found[0] if found and found[0] != "none" else None
