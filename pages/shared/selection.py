"""The picked pictures: kept as ids in the session, independent of what the gallery shows.

The selection has a version that increases whenever Python changes it (a quick pick, another image set). The
gallery in the browser then replaces its own selection, and its answers to older versions are ignored.
"""

from collections.abc import Collection, Iterable
from typing import TypedDict

import streamlit as st

_PICKED = "picked"
_SENT = "picked_sent"
_SET = "picked_from"


class Selection(TypedDict):
    """The message between Python and the gallery: ids, and the version they belong to."""

    version: int
    ids: list[int]


def picked() -> list[int]:
    """Return the ids of the picked pictures in the order they were picked."""
    return list(st.session_state.get(_PICKED, []))


def pick(ids: Iterable[int]) -> None:
    """Replace the selection."""
    chosen = [int(one) for one in ids]
    st.session_state[_PICKED] = chosen
    st.session_state[_SENT] = Selection(version=sent()["version"] + 1, ids=chosen)


def keep_to(ids: Collection[int]) -> None:
    """Drop picked pictures that are not among these."""
    kept = [one for one in picked() if one in ids]
    if len(kept) < len(picked()):
        pick(kept)


def pick_from(classifier: str, images: str) -> None:
    """Set the classifier and image set; if either changes, the selection is cleared."""
    if st.session_state.get(_SET) != (classifier, images):
        if _SET in st.session_state:
            pick([])
        st.session_state[_SET] = (classifier, images)


def sent() -> Selection:
    """Return the selection as Python last changed it."""
    return st.session_state.get(_SENT, Selection(version=0, ids=[]))


def take_over(answer: Selection | None) -> None:
    """Apply the gallery's answer, unless Python changed the selection since."""
    if answer and answer["version"] == sent()["version"]:
        st.session_state[_PICKED] = [int(one) for one in answer["ids"]]
