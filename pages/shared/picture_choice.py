"""Which pictures of a run tell most, and how a person names others."""

import numpy as np

from unlearn_core.artifacts.predictions import FORGET, RETAIN, TEST, Comparison
from unlearn_core.errors import UserError


def chosen_ids(text: str) -> list[int]:
    """Return the ids in a text such as "3, 14"; what is no number raises `UserError`."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    for part in parts:
        if not part.isdecimal():
            raise UserError(f"{part} is no picture's id: write numbers with commas between them.")
    return list(dict.fromkeys(int(part) for part in parts))


def choose_pictures(comparison: Comparison, forgotten: int = 1) -> list[int]:
    """Return ids of forgotten pictures, a kept one of the first one's class, and a flipped one."""
    own = comparison.image_set == 0
    known = np.flatnonzero(own & (comparison.group == FORGET) & (comparison.before == comparison.labels))
    first = (known if len(known) else comparison.in_group(FORGET))[:forgotten]
    others = np.isin(comparison.group, (RETAIN, TEST))
    kept = np.flatnonzero(own & others & (comparison.before == comparison.after))
    alike = kept[comparison.before[kept] == comparison.labels[first[0]]]
    flipped = [position for position in comparison.flipped(RETAIN) if own[position]]
    positions = [*first, *(alike if len(alike) else kept)[:1], *flipped[:1]]
    return [int(comparison.ids[position]) for position in positions]
