"""Which pictures a page shows of a run: a typical choice, or those whose ids a person enters."""

import numpy as np
from streamlit.delta_generator import DeltaGenerator

from unlearn_core.artifacts.predictions import FORGET, RETAIN, TEST, Comparison
from unlearn_core.errors import UserError


def enter_ids(place: DeltaGenerator, key: str = "pictures") -> list[int]:
    """Let the person enter ids of pictures; return them, none where the choice is left to the page."""
    placeholder = "ids, such as 3, 14; empty: chosen for you"
    return chosen_ids(place.text_input("Pictures", key=key, bind="query-params", placeholder=placeholder))


def chosen_ids(text: str) -> list[int]:
    """Return the ids in a text such as "3, 14"; anything else than numbers raises `UserError`."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    for part in parts:
        if not part.isdecimal():
            raise UserError(f"{part} is not a picture id: write numbers separated by commas.")
    return list(dict.fromkeys(int(part) for part in parts))


def choose_pictures(comparison: Comparison, forgotten: int = 1) -> list[int]:
    """Return ids: the first pictures forgotten, one kept of the same class, and one flipped."""
    own = comparison.image_set == 0
    known = np.flatnonzero(own & (comparison.group == FORGET) & (comparison.before == comparison.labels))
    first = (known if len(known) else comparison.in_group(FORGET))[:forgotten]
    others = np.isin(comparison.group, (RETAIN, TEST))
    kept = np.flatnonzero(own & others & (comparison.before == comparison.after))
    alike = kept[comparison.before[kept] == comparison.labels[first[0]]]
    flipped = [position for position in comparison.flipped(RETAIN) if own[position]]
    positions = [*first, *(alike if len(alike) else kept)[:1], *flipped[:1]]
    return [int(comparison.ids[position]) for position in positions]
