"""What is measured part by part, such as the frames of a film: both ends at once, the others one by one."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.shared.measurements import Arrays, measured_file, read_arrays
from unlearn_core.engine.looks import LookRequest

_KNOWN = "parts"


@dataclass(frozen=True)
class Parts:
    """The parts that a whole is measured in.

    Attributes:
        whole: what was asked for; only of the last one a tab keeps the parts.
        request: gives the request for the part at a place.
        names: of the arrays that have an entry for each part. The first holds their places, and the array
            of that name after `all_` those of all parts.
        word: what they are called, in the plural.
    """

    whole: Hashable
    request: Callable[[float], LookRequest[Path]]
    names: tuple[str, ...]
    word: str

    def with_known(self, arrays: Arrays) -> Arrays:
        """Return the arrays of a whole with the parts that this tab has already, ordered by place."""
        parts = [arrays, *self._known().values()]
        order = np.argsort(np.concatenate([part[self.names[0]] for part in parts]), kind="stable")
        return {
            **arrays,
            **{name: np.concatenate([part[name] for part in parts])[order] for name in self.names},
        }

    def missing(self, arrays: Arrays, chosen: float) -> list[float]:
        """Return the places of the parts that the arrays lack, the nearest to the chosen one first."""
        return sorted(self._missing(arrays), key=lambda place: (abs(place - chosen), place))

    def next_finer(self, arrays: Arrays) -> list[float]:
        """Return those of them that halve the widest gaps: every 16th place, then every 8th, and so on."""
        number = {place: row for row, place in enumerate(arrays[f"all_{self.names[0]}"].tolist())}
        grid = {place: number[place] & -number[place] for place in self._missing(arrays)}
        coarsest = max(grid.values(), default=0)
        return sorted(place for place, every in grid.items() if every == coarsest)

    def make(self, place: float) -> None:
        """Have a part measured unless it was before; what could not be measured raises `FailedLookError`."""
        self._known()[place] = read_arrays(measured_file(self.request(place)))

    def make_all(self, places: list[float], arrays: Arrays, progress: DeltaGenerator, meanwhile: str) -> None:
        """Have parts made that the arrays lack, if any, then draw the page again.

        Whatever the person chooses meanwhile comes before those left.
        """
        if not places:
            return
        total = len(arrays[f"all_{self.names[0]}"])
        for done, place in enumerate(places, len(arrays[self.names[0]])):
            progress.progress(done / total, f"{done} of {total} {self.word}; {meanwhile}")
            self.make(place)
        st.rerun()

    def _missing(self, arrays: Arrays) -> set[float]:
        places = self.names[0]
        return set(arrays[f"all_{places}"].tolist()) - set(arrays[places].tolist())

    def _known(self) -> dict[float, Arrays]:
        known = st.session_state.get(_KNOWN)
        if known is None or known[0] != self.whole:
            known = st.session_state[_KNOWN] = (self.whole, {})
        parts: dict[float, Arrays] = known[1]
        return parts
