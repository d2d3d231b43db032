"""Runs: all runs, and what can be done with them."""

import json
from dataclasses import replace
from typing import Any

import pandas as pd
import streamlit as st

from pages.shared.app_state import (
    current_run,
    engine,
    leave_run,
    my_runs,
    open_run,
    show_news,
    store,
)
from pages.shared.errors import show_error
from pages.shared.links import ATTRIBUTIONS, BEFORE_AFTER, COMPARE, FORGET, REPLAY, WEIGHTS
from pages.shared.live_pictures import ids_of
from pages.shared.local_time import time_zone
from pages.shared.run_picker import nothing_yet
from pages.shared.visitor import visitor
from pages.shared.words import SETS, percent, plain
from unlearn_core.artifacts.results import Result
from unlearn_core.common.sharing import is_shared
from unlearn_core.errors import UserError
from unlearn_core.store.request import DEFAULT, ForgetRequest
from unlearn_core.store.rows import UNDER_WAY, Run, RunState
from unlearn_core.store.run_file import check_run_files

_POLL_SECONDS = 2.0
_PAGES = (replace(FORGET, title="Open"), BEFORE_AFTER, WEIGHTS, ATTRIBUTIONS, REPLAY, COMPARE)


def page() -> None:
    """Draw the list, and below it the actions for the selected run."""
    show_news()
    runs = _listed()
    if not runs:
        nothing_yet()
        return
    if any(run.state in UNDER_WAY for run in runs):
        st.fragment(_watch, run_every=_POLL_SECONDS)([_progress(run) for run in runs])
    st.caption("Your runs, the newest first. Click one to open, rename, repeat, download or delete it.")
    chosen = _list(runs)
    if error := st.session_state.pop("run_error", None):
        show_error(error)
    if chosen is None:
        return
    open_run(chosen.id)
    _actions(chosen)


def _listed() -> list[Run]:
    """Return the runs of this visitor; where the server was shared before, of all."""
    return [run for run in my_runs() if not is_shared() or run.visitor == visitor()]


def _watch(shown: list[tuple[str, str, bool]]) -> None:
    """Draw the page anew when a run was added, began, ended or is to stop."""
    if [_progress(run) for run in _listed()] != shown:
        st.rerun()


def _progress(run: Run) -> tuple[str, str, bool]:
    return run.id, str(run.state), run.cancel_requested


def _list(runs: list[Run]) -> Run | None:
    """Show the runs; return the selected one, by default the one that the URL names."""
    zone = time_zone()[1]
    event = st.dataframe(
        pd.DataFrame([_row(run) for run in runs]),
        hide_index=True,
        on_select="rerun",
        # Rows can only be selected by a box at their left edge; people click on the name.
        selection_mode="single-cell",
        key=f"runs_{len(runs)}",
        height=min(430, 38 + 35 * len(runs)),
        placeholder="",
        column_config={
            "when": st.column_config.DatetimeColumn(
                "when (UTC)" if zone == "UTC" else "when", format="D MMM HH:mm", help=f"Time zone: {zone}"
            )
        },
    )
    cells = event.selection.cells
    if cells and cells[0][0] < len(runs):
        return runs[cells[0][0]]
    try:
        named = current_run()
    except UserError as error:
        show_error(error)
        return None
    return next((run for run in runs if named is not None and run.id == named.id), None)


def _row(run: Run) -> dict[str, object]:
    result = run.parsed_result()
    request = None if run.state == RunState.DAMAGED else run.parsed_request()
    # What names of runs say already stands last: narrow windows show the first columns.
    return {
        "name": run.name,
        "when": run.created and run.created.astimezone(time_zone()[0]).replace(tzinfo=None),
        "state": run.state,
        "pictures": (len(ids_of(run)) or None) if request else None,
        **{words.name: _after(result, name) for name, words in SETS.items()},
        "seconds": None if result is None else round(result.seconds.total, 1),
        "steps": run.steps_done,
        "classifier": None if request is None else request.classifier,
        "method": None if request is None else _method(request),
        "id": run.id,
    }


def _method(request: ForgetRequest) -> str:
    return request.method if request.goal == DEFAULT.goal else f"{request.method}, {request.goal}"


def _after(result: Result | None, group: str) -> str:
    """Return accuracy before → after, or agreement if there are no labels."""
    if result is None:
        return ""
    accuracy, agreement = result.accuracy.by_group()[group], result.agreement.by_group().get(group)
    if accuracy.before is not None and accuracy.after is not None:
        return f"{percent(accuracy.before, accuracy.n)} → {percent(accuracy.after, accuracy.n)}"
    return "" if agreement is None else f"agrees {percent(agreement)}"


def _actions(run: Run) -> None:
    st.markdown(f"##### {plain(run.name)}")
    if run.error:
        st.warning(plain(run.error), icon=":material/info:")
    if run.state == RunState.DAMAGED:
        _delete(run)
        return
    try:
        check_run_files(store().folder(run.id))
    except UserError as error:
        show_error(error)
    with st.container(horizontal=True):
        for page in _PAGES if run.parsed_result() else _PAGES[:1]:
            st.page_link(page.file, label=page.title, icon=page.icon, query_params={"run": run.id})
    with st.container(horizontal=True, vertical_alignment="bottom"):
        _rename(run)
        if run.state in UNDER_WAY:
            st.button(
                "Stopping …" if run.cancel_requested else "Cancel",
                icon=":material/stop_circle:",
                disabled=run.cancel_requested,
                on_click=_try,
                args=(engine().cancel, run.id),
            )
        elif st.button("Run again", key="again", icon=":material/replay:"):
            _run_again(run)
        _downloads(run)
        if run.state not in UNDER_WAY:
            _delete(run)


def _rename(run: Run) -> None:
    with st.popover("Rename", icon=":material/edit:"), st.form(f"rename_{run.id}", border=False):
        name = st.text_input("New name", run.name, max_chars=80)
        if st.form_submit_button("Rename", type="primary"):
            _try(store().rename, run.id, name)
            st.rerun()


def _run_again(run: Run) -> None:
    try:
        run_id = engine().again(run.id, visitor())
    except UserError as error:
        show_error(error)
        return
    st.switch_page(FORGET.file, query_params={"run": run_id})


def _downloads(run: Run) -> None:
    weights = store().folder(run.id) / "weights.safetensors"
    if weights.exists():
        st.download_button(
            "Weights file",
            lambda: weights.read_bytes(),
            f"{run.parsed_request().classifier}-{run.id}.safetensors",
            icon=":material/download:",
            help="The weights after forgetting, as safetensors.",
        )
    result = run.parsed_result()
    if result is not None:
        st.download_button(
            "Result",
            json.dumps(result.to_json(), indent=1),
            f"run-{run.id}.json",
            "application/json",
            icon=":material/download:",
        )


def _delete(run: Run) -> None:
    with st.popover("Delete", icon=":material/delete:"):
        st.markdown("This deletes the run with its weights, snapshots and measurements. It cannot be undone.")
        st.button("Delete it", key="delete", type="primary", on_click=_delete_now, args=(run.id,))


def _delete_now(run_id: str) -> None:
    _try(store().delete, run_id)
    leave_run()


def _try(action: Any, *arguments: object) -> None:
    """Call a function in a callback; its error is shown when the page is drawn."""
    try:
        action(*arguments)
    except UserError as error:
        st.session_state["run_error"] = error


page()
