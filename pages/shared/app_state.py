"""What every page shares: the store, the engine, and which run the URL names."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.runtime.scriptrunner import StopException, add_script_run_ctx, get_script_run_ctx

from pages.shared.visitor import visitor
from unlearn_core.common.home import home
from unlearn_core.common.sharing import is_shared
from unlearn_core.errors import UserError
from unlearn_core.store.database import DATABASE
from unlearn_core.store.example import EXAMPLE, install_example
from unlearn_core.store.news import take_news
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.rows import Run, RunState
from unlearn_core.store.runs import Store, open_store

if TYPE_CHECKING:
    from unlearn_core.engine.engine import Engine

_LAST_RUN = "last_run"
_GROUP = "started_together"
_NEWS = "news"
_DRAWN = "drawn"
_STARTED, _TRIED = threading.Event(), threading.Event()
"""Whether the workers were started, and whether that was tried."""
_SECONDS_TO_DRAW, _SECONDS_TO_WORKERS = 2.5, 3.0
"""At most, for the first pictures of a tab."""


@st.cache_resource(show_spinner=False)
def store() -> Store:
    """Return the store, one per server; the first call marks runs of an earlier server as interrupted.

    A new store gets the example.
    """
    is_new = not (home() / DATABASE).exists()
    found = open_store()
    if is_new:
        install_example(found)
    found.mark_interrupted()
    return found


def _close(found: Engine) -> None:
    _STARTED.clear()
    _TRIED.clear()
    found.close()


@st.cache_resource(show_spinner=False, on_release=_close)
def engine() -> Engine:
    """Return the engine, one per server; the first call starts its worker processes."""
    # Here: Dask takes a third of a second, in which the first pictures are on their way.
    from unlearn_core.engine.engine import Engine

    try:
        found = Engine(store())
        _STARTED.set()
    finally:
        _TRIED.set()
    return found


def workers_are_started() -> bool:
    """Return whether `engine` returns at once."""
    return _STARTED.is_set()


def workers_are_to_come() -> bool:
    """Return whether the workers are still to be started."""
    return not _TRIED.is_set()


def _leave_off(workers: threading.Timer) -> None:
    workers.cancel()
    workers.join()


def start_workers() -> None:
    """Start the workers in the background, once per server, while the person still looks at the page."""
    # Later: they would take the browser's processor while it draws its first pictures.
    _workers_after(0.0 if st.session_state.get(_DRAWN) else _SECONDS_TO_WORKERS)


@st.cache_resource(show_spinner=False, on_release=_leave_off)
def _workers_after(seconds: float) -> threading.Timer:
    timer = threading.Timer(seconds, _start_workers)
    timer.daemon = True
    add_script_run_ctx(timer, get_script_run_ctx())
    timer.start()
    return timer


def ask_when_drawn() -> bool:
    """Return whether the browser is to say when it has drawn what it gets: the first pictures of a tab."""
    if _DRAWN in st.session_state:
        return False
    st.session_state[_DRAWN] = False
    return True


def note_drawn() -> None:
    """Note that it has drawn them."""
    st.session_state[_DRAWN] = True


def is_drawn_again() -> bool:
    """Return whether the page will be drawn again at once, when the browser has said so."""
    return st.session_state.get(_DRAWN) is False


def let_browser_draw() -> None:
    """Wait until the browser has drawn the pictures that it was asked about; then the page is drawn again.

    Before a chart: the browser reads four megabytes of Plotly at the first one, and draws nothing meanwhile.
    """
    end = time.monotonic() + _SECONDS_TO_DRAW
    # At each look Streamlit may end this run of the page for the next one.
    while is_drawn_again():
        time.sleep(0.05)
        if time.monotonic() > end:
            note_drawn()


def _start_workers() -> None:
    # Streamlit ends this wait with that of the page whose visitor has left; another thread starts them then.
    with suppress(StopException):
        engine()
    # The next page most likely shows a table.
    import_module("pandas")


def end_workers() -> None:
    """End the runs and the workers, if they were started."""
    # First what starts them: an engine that is not there yet cannot be closed.
    _workers_after.clear()
    engine.clear()


def my_runs() -> list[Run]:
    """Return the runs to list, the newest first; on a shared server those of this visitor and the example."""
    own = store().runs(visitor())
    if not visitor():
        return own
    return [*own, *(run for run in store().runs() if run.id == EXAMPLE)]


def start_runs(requests: list[ForgetRequest]) -> list[str]:
    """Queue several runs for this visitor and return their ids; an invalid request raises `UserError`."""
    return engine().submit_all(requests, visitor=visitor())


def current_run() -> Run | None:
    """Return the run that the URL names (`?run=ID`), else the last one shown in this tab, else None.

    The id is written back into the URL, so that every page's link names its run. An unknown id and a
    damaged run raise `UserError`.
    """
    run_id = st.query_params.get("run") or st.session_state.get(_LAST_RUN)
    if run_id is None:
        return None
    try:
        run = store().get(run_id)
    except UserError:
        # Said once, or as long as the link names it.
        st.session_state.pop(_LAST_RUN, None)
        raise
    if run.state == RunState.DAMAGED:
        raise UserError(run.error or "")
    open_run(run.id)
    return run


def open_run(run_id: str) -> None:
    """Make this the run that the URL names."""
    st.session_state[_LAST_RUN] = run_id
    if st.query_params.get("run") != run_id:
        st.query_params["run"] = run_id


def remember_group(run_ids: list[str]) -> None:
    """Remember which runs were started together, for their comparison."""
    st.session_state[_GROUP] = run_ids


def group_of(run_id: str) -> list[str]:
    """Return the runs that this tab started together with this one, including it; none if it was alone."""
    group = st.session_state.get(_GROUP, [])
    return list(group) if len(group) > 1 and run_id in group else []


def leave_run() -> None:
    """Remove the run from the URL."""
    st.session_state.pop(_LAST_RUN, None)
    st.query_params.pop("run", None)


def show_news() -> None:
    """Show what the store did by itself, to the first tab that asks, until that is closed.

    On a shared server `runs list` tells it: it is for the operator.
    """
    if is_shared():
        return
    st.session_state[_NEWS] = [*st.session_state.get(_NEWS, []), *take_news(store().root)]
    for sentence in st.session_state[_NEWS]:
        st.warning(sentence, icon=":material/build:")
