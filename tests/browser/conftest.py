"""The real app, started once a file, and a real browser that looks at it."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError

import psutil
import pytest
from playwright.sync_api import Browser, BrowserType, ConsoleMessage, Page, expect, sync_playwright

from unlearn_core.store.runs import Store

ROOT = Path(__file__).parents[2]
OUTPUT = Path(__file__).parent / "output"
CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    # A camera that shows a turning disc, and nobody who has to allow it.
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    # The name of the server in deploy/nginx.conf.
    "--host-resolver-rules=MAP lens.example.org 127.0.0.1",
]
LAPTOP = {"width": 1366, "height": 768}
PATIENCE = 300_000
"""Milliseconds: a busy machine of two cores may take its time."""

expect.set_options(timeout=PATIENCE)

Process = subprocess.Popen[bytes]
OpenPage = Callable[..., Page]


@dataclass(frozen=True)
class App:
    """A running app: its address, its `UNLEARN_HOME` and the file with what the server printed."""

    url: str
    home: Path
    log: Path


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[App]:
    """Start the app on an empty store.

    A test file may set `SERVER_SETTINGS`, environment variables of its server, and `WITH_EXAMPLE`, to start
    it on a new home, which gets the example.
    """
    settings = getattr(request.module, "SERVER_SETTINGS", {})
    home = tmp_path_factory.mktemp("home")
    if not getattr(request.module, "WITH_EXAMPLE", False):
        Store(home)
    app, process = start_server(home, settings)
    yield app
    stop_server(process)


def start_server(home: Path, settings: Mapping[str, str] | None = None) -> tuple[App, Process]:
    """Start the app of this checkout on a home and wait until it answers."""
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.address", "127.0.0.1"]
    return start_command(command, home, ROOT, {**os.environ, **(settings or {})})


def start_command(
    command: list[str], home: Path, folder: Path, environment: Mapping[str, str]
) -> tuple[App, Process]:
    """Start a command that opens the app, in a folder, and wait until it answers."""
    home.mkdir(exist_ok=True)
    log = home / "server.log"
    port = free_port()
    command = [*command, "--server.headless", "true", "--server.port", str(port)]
    environment = {**environment, "UNLEARN_HOME": str(home)}
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=output, stderr=output)
    url = f"http://{'127.0.0.1' if '127.0.0.1' in command else 'localhost'}:{port}"
    try:
        _wait_until_healthy(url, process, log)
    except BaseException:
        stop_server(process)
        raise
    return App(url, home, log), process


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = launch(playwright.chromium)
        yield browser
        browser.close()


def launch(kind: BrowserType, *flags: str) -> Browser:
    """Start a browser, the machine's own where it has one, with more flags than the usual ones."""
    own = str(CHROMIUM) if CHROMIUM.exists() else None
    return kind.launch(executable_path=own, args=[*FLAGS, *flags])


@pytest.fixture
def open_page(app: App, browser: Browser) -> Iterator[OpenPage]:
    """Open the app in a new window; any error in a browser console fails the test at its end."""
    errors: list[str] = []
    contexts = []

    def note(message: ConsoleMessage) -> None:
        # On a link to a page Streamlit's own script looks for its server below that page first.
        probing = "/_stcore/" in message.location["url"] and "404" in message.text
        if message.type == "error" and not probing:
            errors.append(f"{message.text} ({message.location})")

    def open_page(path: str = "/", scheme: str = "light") -> Page:
        context = browser.new_context(viewport=LAPTOP, color_scheme=scheme)  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.on("console", note)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(app.url + path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not errors, errors


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def _wait_until_healthy(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(3000):
        assert process.poll() is None, log.read_text(encoding="utf-8")
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health") as answer:
                assert answer.status == 200
                return
        except URLError:
            time.sleep(0.1)
    raise AssertionError("The app did not start: " + log.read_text(encoding="utf-8"))


def stop_server(process: Process) -> None:
    """End the server, where it still runs, and every worker it started."""
    if process.poll() is not None:
        return
    workers = psutil.Process(process.pid).children(recursive=True)
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    _, left = psutil.wait_procs(workers, 20)
    for worker in left:
        worker.kill()
