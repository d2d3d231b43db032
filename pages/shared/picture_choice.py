"""Which pictures a page shows of a run: a typical choice, unless a person follows others."""

import numpy as np

from unlearn_core.artifacts.predictions import FORGET, RETAIN, TEST, Comparison


def choose_pictures(comparison: Comparison, forgotten: int = 1) -> list[int]:
    """Return ids: the first forgotten pictures, an unchanged one of the same class, and a changed one."""
    own = comparison.image_set == 0
    known = np.flatnonzero(own & (comparison.group == FORGET) & (comparison.before == comparison.labels))
    first = (known if len(known) else comparison.in_group(FORGET))[:forgotten]
    others = np.isin(comparison.group, (RETAIN, TEST))
    kept = np.flatnonzero(own & others & (comparison.before == comparison.after))
    alike = kept[comparison.before[kept] == comparison.labels[first[0]]]
    flipped = [position for position in comparison.flipped(RETAIN) if own[position]]
    positions = [*first, *(alike if len(alike) else kept)[:1], *flipped[:1]]
    return [int(comparison.ids[position]) for position in positions]
