"""The app's pages as AppTest sees them, each test with a store and workers of its own."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from pages.shared import app_state
from tests.finished import FinishedRun
from unlearn_core.store.rows import Run, RunState
from unlearn_core.store.runs import Store

ROOT = Path(__file__).parents[2]
PATIENCE = 600

OpenApp = Callable[..., AppTest]
Finished = Callable[[Store], Run]


@pytest.fixture(scope="module")
def server_home(parsed_digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give the pages of one test file a store and workers of their own, as one server would."""
    home = tmp_path_factory.mktemp("server")
    (home / "cache").mkdir()
    os.link(parsed_digits, home / "cache" / parsed_digits.name)
    st.cache_resource.clear()
    yield home
    app_state.end_workers()
    st.cache_resource.clear()


@pytest.fixture(autouse=True)
def own_home(server_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Start every test with no runs in the server's store."""
    monkeypatch.setenv("UNLEARN_HOME", str(server_home))
    store = Store(server_home)
    for run in store.runs():
        store.request_cancel(run.id)
        store.finish(run.id, RunState.CANCELLED)
        store.delete(run.id)
    return server_home


@pytest.fixture(autouse=True)
def no_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait for one that draws pictures."""
    monkeypatch.setattr(app_state, "_SECONDS_TO_DRAW", 0.0)


@pytest.fixture(autouse=True)
def same_main() -> Iterator[None]:
    """Put back the main module, which AppTest replaces: workers that start later would run the page."""
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main


@pytest.fixture
def finished(finished_run: FinishedRun) -> Finished:
    """Add a finished run, with the same files and result each time, to a store."""
    return lambda store: finished_run.copy_to(store, "two hard ones")


@pytest.fixture
def open_app() -> OpenApp:
    """Open the app at a page, such as `pages/runs/runs.py`, with a run in the URL; fail on an exception."""

    def open_app(page: str | None = None, run: str | None = None) -> AppTest:
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=PATIENCE)
        if page is not None:
            app.run().switch_page(page)
        if run is not None:
            app.query_params["run"] = run
        app.run()
        assert not app.exception
        return app

    return open_app
