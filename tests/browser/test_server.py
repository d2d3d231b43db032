"""The server as it starts, is reached and ends: real processes, real requests."""

import re
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, expect
from websockets import InvalidStatus, Origin, Subprotocol
from websockets.sync.client import connect

from tests.browser.conftest import PATIENCE, App, Process, start_server, stop_server
from tests.browser.steps import settle
from tests.waiting import ENDLESS, wait_until
from unlearn_core.store.rows import RunState
from unlearn_core.store.runs import Store

pytestmark = pytest.mark.browser

ADDRESSES = ("", "forget", "attributions")

Serve = Callable[[], tuple[App, Process]]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Start servers one after another on the same home."""
    started: list[Process] = []

    def serve() -> tuple[App, Process]:
        app, process = start_server(tmp_path / "home")
        started.append(process)
        return app, process

    yield serve
    for process in started:
        stop_server(process)


@pytest.mark.slow
@pytest.mark.parametrize("address", ADDRESSES)
def test_every_address_opens_its_page_on_a_fresh_server(serve: Serve, browser: Browser, address: str) -> None:
    app, _ = serve()
    page = browser.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(f"{app.url}/{address}")
    settle(page)
    assert page.get_by_role("dialog").count() == 0
    expected = "" if address == "forget" else address
    expect(page).to_have_url(re.compile(rf"{re.escape(app.url)}/{expected}(\?|$)"))
    page.close()


def test_a_stranger_who_leads_here_by_name_is_refused(serve: Serve) -> None:
    app, _ = serve()
    port = int(app.url.rpartition(":")[2])

    def handshake(name: str) -> int:
        where, origin = f"ws://{name}:{port}/_stcore/stream", Origin(f"http://{name}:{port}")
        sock = socket.create_connection(("127.0.0.1", port))
        try:
            with connect(
                where, sock=sock, origin=origin, subprotocols=[Subprotocol("streamlit")], open_timeout=300
            ):
                return 101
        except InvalidStatus as refused:
            return refused.response.status_code

    assert handshake("localhost") == 101
    assert handshake("127.0.0.1") == 101
    assert handshake("stranger.example") == 403


@pytest.mark.slow
@pytest.mark.parametrize("how", ["terminate", "kill"])
def test_the_runs_of_a_server_that_ended_are_interrupted(
    serve: Serve, browser: Browser, tmp_path: Path, how: str
) -> None:
    # Before the server: a home that it makes itself gets the example, a run whose steps are done.
    store = Store(tmp_path / "home")
    app, process = serve()
    page = browser.new_page()
    page.set_default_timeout(PATIENCE)
    earlier = store.create(ENDLESS)
    store.finish(earlier.id, RunState.FAILED, error="Made for this test.")
    page.goto(f"{app.url}/?run={earlier.id}")
    page.get_by_role("button", name="Run again").click()
    wait_until(lambda: any(run.steps_done >= 2 for run in store.runs()))
    (run,) = (run for run in store.runs() if run.id != earlier.id)
    children = psutil.Process(process.pid).children(recursive=True)
    getattr(process, how)()
    process.wait(300)
    # Windows knows no polite end of a process: the next server finds out.
    if how == "terminate" and sys.platform != "win32":
        assert store.get(run.id).state == RunState.INTERRUPTED
    psutil.wait_procs(children, 300)
    assert not any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in children)
    app, _ = serve()
    page.goto(f"{app.url}/before_after?run={run.id}")
    settle(page)
    assert store.get(run.id).state == RunState.INTERRUPTED
    expect(page.get_by_text("before this run").first).to_be_visible()
    page.close()
