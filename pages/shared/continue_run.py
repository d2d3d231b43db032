"""Continual unlearning: which run the next one starts from."""

import streamlit as st

from pages.shared import selection
from pages.shared.app_state import leave_run, store
from pages.shared.errors import show_error
from pages.shared.links import go_to_forget
from pages.shared.words import plain
from unlearn_core.errors import UserError
from unlearn_core.store.rows import Run

_AFTER = "after"


def forget_more_button(run: Run) -> None:
    """Offer to continue with the classifier of a finished run."""
    if st.button(
        "Forget more",
        key="more",
        icon=":material/library_add:",
        help="Starts from this run's classifier; what it forgot should stay forgotten.",
    ):
        st.session_state[_AFTER] = run.id
        leave_run()
        selection.pick([])
        go_to_forget()


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


def forgotten_before(after: str | None) -> int:
    """Return how many instances a run and those that it continues were to forget."""
    result = None if after is None else store().get(after).parsed_result()
    return 0 if result is None else result.k + sum(len(one.ids) for one in result.earlier)


def start_afresh() -> None:
    """Let the next run start from the catalog's classifier again."""
    st.session_state.pop(_AFTER, None)
