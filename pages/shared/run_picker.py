"""The choice of the run that a page shows, and what it shows without a finished run."""

import streamlit as st

from pages.shared.app_state import current_run, my_runs, open_run
from pages.shared.errors import show_error
from pages.shared.links import FORGET
from pages.shared.local_time import local_time
from pages.shared.run_panel import run_panel
from unlearn_core.errors import UserError
from unlearn_core.store.rows import Run, RunState

_CHOSEN = "chosen_run"
_SIGNS = {
    RunState.QUEUED: "waiting",
    RunState.RUNNING: "running",
    RunState.CANCELLED: "cancelled",
    RunState.FAILED: "failed",
    RunState.INTERRUPTED: "interrupted",
}


def finished_run() -> Run | None:
    """Let the person choose a run; return it if it has a result.

    Otherwise show a link to start the first run, the run's progress, or why it ended early.
    """
    runs = [run for run in my_runs() if run.state != RunState.DAMAGED]
    named, is_lost = None, False
    try:
        named = current_run()
    except UserError as error:
        show_error(error)
        is_lost = True
    if named is not None and named.id not in [run.id for run in runs]:
        # A link may name another visitor's run.
        runs = [named, *runs]
    if not runs:
        nothing_yet()
        return None
    run = _choose(runs, named, is_lost)
    if run is None:
        return None
    if run.parsed_result() is None:
        run_panel(run.id)
        return None
    return run


def nothing_yet() -> None:
    """Show how to start the first run."""
    st.info("Nothing has been forgotten yet. Pick a few pictures and let a classifier forget them.")
    st.page_link(FORGET.file, label="Forget something", icon=":material/ink_eraser:")


def describe(run: Run) -> str:
    """Return a run's name, time, id and state in a line."""
    sign = _SIGNS.get(RunState(run.state))
    words = [run.name, local_time(run.created), run.id]
    return " · ".join(words if sign is None else [*words, sign])


def _choose(runs: list[Run], wanted: Run | None, is_lost: bool) -> Run | None:
    """Let the person choose; where the run of the link `is_lost`, no other one takes its place by itself."""
    ids = [run.id for run in runs]
    by_id = dict(zip(ids, runs, strict=True))
    # The URL decides; a choice changes it before the page is drawn, so that none is lost.
    st.session_state[_CHOSEN] = None if is_lost else ids[0] if wanted is None else wanted.id
    chosen = st.selectbox(
        "Run",
        ids,
        index=None if is_lost else 0,
        placeholder="Choose a run",
        format_func=lambda one: describe(by_id[one]),
        key=_CHOSEN,
        on_change=_open_chosen,
        label_visibility="collapsed",
    )
    if chosen is None:
        return None
    open_run(chosen)
    return by_id[chosen]


def _open_chosen() -> None:
    if st.session_state[_CHOSEN] is not None:
        open_run(st.session_state[_CHOSEN])
