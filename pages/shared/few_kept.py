"""Where few pictures were kept: how little that proves, and other pictures to measure on."""

import streamlit as st

from pages.shared.app_state import engine, open_run
from pages.shared.errors import show_error
from pages.shared.links import go_to_forget
from pages.shared.visitor import visitor
from unlearn_core.artifacts.intervals import wilson_interval
from unlearn_core.artifacts.results import Result
from unlearn_core.catalog.sources.registry import FOLDER_PREFIX
from unlearn_core.common.counted import counted
from unlearn_core.common.sharing import is_shared
from unlearn_core.errors import UserError
from unlearn_core.store.rows import Run, RunState

FEW = 100
"""Pictures: from here on what a run cost is measured well enough."""


def few_kept(run: Run, n: int, changed: int) -> None:
    """Say what n kept pictures prove, of which `changed` have another prediction; nothing if n is large."""
    if n >= FEW:
        return
    st.caption(f":material/priority_high: {little_proof(n, changed)}")
    # Visitors of a shared server can name no folder of it.
    if run.state == RunState.DONE and run.parsed_request().strength == 1 and not is_shared():
        with st.popover("Also measure on a folder", icon=":material/add_photo_alternate:"):
            _more_pictures(run)


def say_if_few(run: Run, result: Result) -> None:
    """Do the same for the result of a run; nothing where it does not say how many pictures were kept."""
    n, agreement = result.agreement.retain_n, result.agreement.retain
    if n is not None:
        few_kept(run, n, 0 if agreement is None else round((100 - agreement) * n / 100))


def little_proof(n: int, changed: int) -> str:
    """Return a sentence about what n kept pictures prove."""
    if not n:
        return "No picture was kept to measure on, so nothing is known of what it cost."
    _, high = wilson_interval(changed, n)
    return (
        f"Only {counted(n)} {'was' if n == 1 else 'were'} kept to measure on, which proves little: of all "
        f"others as many as {high:.0f}% may have changed (95% interval)."
    )


def _more_pictures(run: Run) -> None:
    folder = st.text_input(
        "Folder with pictures",
        key=f"more_folder_{run.id}",
        placeholder="/home/me/other-pictures",
        help="Creates a run with the same classifier; nothing is forgotten again.",
    ).strip()
    if st.button("Measure", key="measure_more", type="primary", disabled=not folder):
        changes = {"measure_on": f"{FOLDER_PREFIX}{folder}"}
        try:
            run_id = engine().keep(run.id, changes, f"{run.name} · more measured"[:80], visitor())
        except UserError as error:
            show_error(error)
            return
        open_run(run_id)
        go_to_forget()
