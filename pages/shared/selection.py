"""Which pictures are picked: kept as ids in the session, whatever the gallery shows at the moment.

The selection has a version that grows whenever Python changes it (a quick pick, another image set), so that
the gallery in the browser knows when to take it over, and an answer from before the change is not mistaken
for one after it.
"""

from collections.abc import Iterable
from typing import TypedDict

import streamlit as st

_PICKED = "picked"
_SENT = "picked_sent"
_SET = "picked_from"


class Selection(TypedDict):
    """What Python and the gallery tell each other: ids, and the version they belong to."""

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


def pick_from(classifier: str, images: str) -> None:
    """Say what is picked from; another classifier or image set starts with nothing picked."""
    if st.session_state.get(_SET) != (classifier, images):
        if _SET in st.session_state:
            pick([])
        st.session_state[_SET] = (classifier, images)


def sent() -> Selection:
    """Return the selection as Python last changed it."""
    return st.session_state.get(_SENT, Selection(version=0, ids=[]))


def take_over(answer: Selection | None) -> None:
    """Take over what the gallery answered, unless Python changed the selection since."""
    if answer and answer["version"] == sent()["version"]:
        st.session_state[_PICKED] = [int(one) for one in answer["ids"]]
