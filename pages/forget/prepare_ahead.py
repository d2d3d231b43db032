"""Look-alikes that are made while the person still picks: the run then begins sooner."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from pages.shared.app_state import engine, workers_are_started, workers_are_to_come
from pages.shared.live_pictures import show_look_alikes
from unlearn_core.artifacts.look_alikes import LookAlikes
from unlearn_core.errors import UserError
from unlearn_core.store.request import ForgetRequest

if TYPE_CHECKING:
    from unlearn_core.engine.pending import Look

    Made = Look[LookAlikes | None]

_POLL_SECONDS = 0.5
_ASKED = "prepared_ahead"
"""The last request of this tab and its Look: what another tab's pick ended is not asked for again."""


def prepare_ahead(fields: dict[str, object]) -> None:
    """Have a worker prepare a run of a request with these fields, and show what it made."""
    look = _asked(fields) if workers_are_started() else None
    waiting = workers_are_to_come() or (look is not None and not look.done())
    st.fragment(_made, run_every=_POLL_SECONDS if waiting else None)(look, waiting)


def forget_preparation() -> None:
    """Leave the preparation of this tab to a run that was asked for."""
    st.session_state.pop(_ASKED, None)


def end_preparation() -> None:
    """Give up the preparation of this tab: nothing is picked any longer."""
    _, look = st.session_state.pop(_ASKED, (None, None))
    if look is not None and workers_are_started():
        engine().give_up(look)


def _asked(fields: dict[str, object]) -> Made | None:
    try:
        request = ForgetRequest.parse(**fields)
        before, look = st.session_state.get(_ASKED, (None, None))
        if look is None or before != request:
            look = engine().prepare(request)
            st.session_state[_ASKED] = request, look
        return look
    except UserError:
        # It is said when Forget is pressed.
        return None


def _made(look: Made | None, waiting: bool) -> None:
    if waiting and (look.done() if look is not None else not workers_are_to_come()):
        # Only a full rerun ends the polling.
        st.rerun()
    if look is None:
        return
    if not look.done():
        st.caption(":material/hourglass_top: Making look-alikes to protect…")
        return
    try:
        made = look.result()
    except UserError:
        return
    if made is not None:
        show_look_alikes(made.pictures, f"Some of the {made.total:,} look-alikes")
