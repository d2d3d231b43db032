"""Continual unlearning: which run the next one starts from."""

import streamlit as st

from pages.shared import selection
from pages.shared.app_state import leave_run, store
from pages.shared.errors import show_error
from pages.shared.links import go_to_forget
from pages.shared.words import plain
from unlearn_core.errors import UserError
from unlearn_core.store.rows import Run

_AFTER, _NEW = "after", "newly_continued"


def forget_more_button(run: Run) -> None:
    """Offer to continue with the classifier of a finished run."""
    if st.button(
        "Forget more",
        key="more",
        icon=":material/library_add:",
        help="Starts from this run's classifier; what it forgot should stay forgotten.",
    ):
        st.session_state[_AFTER] = st.session_state[_NEW] = run.id
        leave_run()
        selection.pick([])
        go_to_forget()


def newly_continued() -> Run | None:
    """Return the run for which *Forget more* was just pressed, once."""
    run_id = st.session_state.pop(_NEW, None)
    return None if run_id is None else store().get(run_id)


def start_of_next_run() -> str | None:
    """Return the run that the next one starts from, and show it; None: the catalog's classifier."""
    if _AFTER not in st.session_state:
        return None
    try:
        run = store().get(st.session_state[_AFTER])
    except UserError as error:
        del st.session_state[_AFTER]
        show_error(error)
        return None
    words, button = st.columns([3, 2], vertical_alignment="center")
    words.info(f"Continues run {run.id}: {plain(run.name)}", icon=":material/library_add:")
    button.button("Start over", key="afresh", icon=":material/undo:", on_click=start_afresh, width="stretch")
    return run.id


def ids_forgotten_before() -> tuple[int, ...]:
    """Return the pictures that the run that the next one continues, and those before it, were to forget."""
    try:
        after = st.session_state.get(_AFTER)
        result = None if after is None else store().get(after).parsed_result()
    except UserError:
        # `start_of_next_run` says it.
        return ()
    return () if result is None else (*result.ids, *(i for one in result.earlier for i in one.ids))


def start_afresh() -> None:
    """Let the next run start from the catalog's classifier again."""
    st.session_state.pop(_AFTER, None)
