"""Which runs are compared: those of the link, or the current run and similar ones."""

import streamlit as st

from pages.shared.app_state import group_of, store
from pages.shared.errors import show_error
from pages.shared.run_picker import describe
from unlearn_core.errors import UserError
from unlearn_core.store.compare_runs import MOST_RUNS
from unlearn_core.store.rows import Run

_KEY = "runs"


def linked_runs() -> list[Run]:
    """Return the runs that the link names, which may be another visitor's; say which are not there."""
    found = []
    for run_id in _ids_in_link():
        try:
            found.append(store().get(run_id))
        except UserError as error:
            show_error(error)
    return found


def choose_runs(runs: list[Run], current: Run | None) -> list[str]:
    """Let the person choose; by default the runs of the link, or the current run and similar ones."""
    by_id = {run.id: run for run in runs}
    named = [run_id for run_id in _ids_in_link() if run_id in by_id]
    chosen = st.session_state.get(_KEY, named or _alike(runs, current))
    # A chosen run may have been deleted meanwhile.
    st.session_state[_KEY] = [run_id for run_id in chosen if run_id in by_id][:MOST_RUNS]
    # Not bound to the link: that would hold names and times, which change, and are local.
    chosen = st.multiselect(
        "Runs",
        list(by_id),
        format_func=lambda one: describe(by_id[one]),
        max_selections=MOST_RUNS,
        key=_KEY,
        placeholder="Choose two to six runs",
        label_visibility="collapsed",
    )
    st.query_params[_KEY] = ",".join(chosen)
    return chosen


def _ids_in_link() -> list[str]:
    return [run_id for run_id in dict.fromkeys(st.query_params.get(_KEY, "").split(",")) if run_id]


def _alike(runs: list[Run], current: Run | None) -> list[str]:
    """Return the runs started together with the current one, else it and others of the same pictures."""
    first = next((run for run in runs if current and run.id == current.id), runs[0])

    together = [run.id for run in reversed(runs) if run.id in group_of(first.id)]
    if len(together) > 1:
        return together

    def forgets(run: Run) -> tuple[str, str, list[int]]:
        request, result = run.parsed_request(), run.parsed_result()
        return request.classifier, request.images, sorted(() if result is None else result.ids)

    others = [run.id for run in runs if run.id != first.id and forgets(run) == forgets(first)]
    return [first.id, *others][:MOST_RUNS]
