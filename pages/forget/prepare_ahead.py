"""Look-alikes that are made while the person still picks: the run then begins sooner."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from pages.shared.app_state import engine, workers_are_started
from pages.shared.live_pictures import show_look_alikes
from unlearn_core.artifacts.look_alikes import LookAlikes
from unlearn_core.errors import UserError
from unlearn_core.store.request import ForgetRequest

if TYPE_CHECKING:
    from unlearn_core.engine.pending import Look

_POLL_SECONDS = 0.5


def prepare_ahead(fields: dict[str, object]) -> None:
    """Have a worker prepare a run of a request with these fields, and show what it made."""
    look = _asked(fields) if workers_are_started() else None
    waiting = not workers_are_started() or (look is not None and not look.done())
    st.fragment(_made, run_every=_POLL_SECONDS if waiting else None)(look, waiting)


def _asked(fields: dict[str, object]) -> Look[LookAlikes | None] | None:
    try:
        return engine().prepare(ForgetRequest.parse(**fields))
    except UserError:
        # It is said when Forget is pressed.
        return None


def _made(look: Look[LookAlikes | None] | None, waiting: bool) -> None:
    if waiting and workers_are_started() and (look is None or look.done()):
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
