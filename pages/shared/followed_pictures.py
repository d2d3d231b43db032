"""The pictures that a person follows from page to page: kept in the session and named by the link."""

from collections.abc import Collection

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from streamlit.delta_generator import DeltaGenerator

from pages.shared.clickable_pictures import Clickable, clickable_pictures
from pages.shared.image_tables import table_of_run
from pages.shared.links import ATTRIBUTIONS, COMPARE, REPLAY
from pages.shared.thumbnails import Captioned
from unlearn_core.artifacts.image_table import ImageTable
from unlearn_core.artifacts.predictions import FORGET, RETAIN, TEST, Comparison
from unlearn_core.common.counted import counted
from unlearn_core.errors import UserError
from unlearn_core.store.rows import Run

PARAMETER = "pictures"
"""Of the link."""

_FOLLOWED = "followed"
_OFFERED = 24
_DIGITS = 18
"""Of an id, at most."""
_HEIGHT = 330


def followed(comparison: Comparison) -> list[int]:
    """Return the followed pictures that a run has; the link's replace those of the session.

    Bad ids in the link raise `UserError`, and are removed from it.
    """
    own = set(comparison.ids[comparison.image_set == 0].tolist())
    text = st.query_params.get(PARAMETER)
    # Another run may lack what is followed; only a link is held to what it says.
    if text is not None and text != _as_text(st.session_state.get(_FOLLOWED, [])):
        try:
            st.session_state[_FOLLOWED] = _ids_in(text, own)
        except UserError:
            follow([])
            raise
    ids = [one for one in st.session_state.get(_FOLLOWED, []) if one in own]
    if ids:
        # A page switch loses the parameters.
        st.query_params[PARAMETER] = _as_text(st.session_state[_FOLLOWED])
    return ids


def follow(ids: list[int]) -> None:
    """Follow these pictures from now on."""
    st.session_state[_FOLLOWED] = ids
    if ids:
        st.query_params[PARAMETER] = _as_text(ids)
    else:
        st.query_params.pop(PARAMETER, None)


def toggle(ids: list[int], clicked: int) -> None:
    """Follow the clicked picture, or no longer, and draw the page anew."""
    follow([one for one in ids if one != clicked] if clicked in ids else [*ids, clicked])
    st.rerun()


def follow_links(comparison: Comparison, run: Run) -> None:
    """Say how many pictures are followed, with links to the pages that show them."""
    ids = followed(comparison)
    if not ids:
        st.caption("Click a picture to follow it on the other pages.")
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{counted(len(ids))} followed**", width="content")
        parameters = {"run": run.id, PARAMETER: _as_text(ids)}
        for page in (ATTRIBUTIONS, REPLAY, COMPARE):
            st.page_link(page.file, label=page.title, icon=page.icon, query_params=parameters)
        st.button("clear", key="clear_followed", type="tertiary", on_click=follow, args=([],))


def choose_followed(place: DeltaGenerator, run: Run, comparison: Comparison, most: int) -> list[int]:
    """Let the person click the pictures to follow; return at most `most` of them, none by default.

    Bad ids in the link raise `UserError`.
    """
    ids = followed(comparison)
    with place.popover("Pictures", icon=":material/photo_library:", width="stretch"):
        st.caption(
            f"Click the pictures to look at, on every page. Here the first {most} of {len(ids)} are shown."
            if len(ids) > most
            else "Click the pictures to look at, on every page. Without a choice the page shows typical ones."
        )
        clicked = clickable_pictures(_offered(run, comparison, ids), ids, "offered_pictures", _HEIGHT)
    if clicked is not None:
        toggle(ids, clicked)
    return ids[:most]


def _offered(run: Run, comparison: Comparison, ids: list[int]) -> list[Clickable]:
    """Return the followed pictures, then forgotten, changed and other kept ones."""
    table = table_of_run(run)
    own = comparison.image_set == 0
    kept = np.isin(comparison.group, (RETAIN, TEST)) & own
    changed = comparison.before != comparison.after
    groups = (
        np.flatnonzero(own & np.isin(comparison.ids, ids)),
        np.flatnonzero(own & (comparison.group == FORGET)),
        np.flatnonzero(kept & changed),
        np.flatnonzero(kept & ~changed),
    )
    positions = list(dict.fromkeys(int(one) for group in groups for one in group[:_OFFERED]))
    rows = _rows(table, comparison.ids[positions])
    return [
        Clickable(int(comparison.ids[position]), captioned(table, row, comparison, position))
        for position, row in zip(positions, rows.tolist(), strict=True)
        if row >= 0
    ]


def captioned(table: ImageTable, row: int, comparison: Comparison, position: int) -> Captioned:
    """Return a picture of the table with its predictions before and after."""
    old, new = comparison.before[position], comparison.after[position]
    words = comparison.short_name(old)
    if old != new:
        words = f"{words} → {comparison.short_name(new)}"
    kind = "forgotten" if comparison.group[position] == FORGET else "kept" if old == new else "changed"
    return Captioned(table.thumbnails[row], words, kind)


def _rows(table: ImageTable, ids: NDArray[np.int64]) -> NDArray[np.intp]:
    """Return the row of each id in the table, −1 for one that is no longer there."""
    found = np.searchsorted(table.ids, ids).clip(max=len(table.ids) - 1)
    return np.where(table.ids[found] == ids, found, -1)


def _as_text(ids: list[int]) -> str:
    return ",".join(map(str, ids))


def _ids_in(text: str, own: Collection[int]) -> list[int]:
    """Return the ids in a text such as "3,14"; anything else than ids of `own` raises `UserError`."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    for part in parts:
        if not part.isdecimal() or len(part) > _DIGITS:
            raise UserError(f"{part[:_DIGITS]} in the link is not a picture id.")
        if int(part) not in own:
            raise UserError(f"There is no picture {part} among those that this run measured.")
    return list(dict.fromkeys(int(part) for part in parts))
