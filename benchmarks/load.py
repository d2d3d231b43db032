"""Whether thirty people can use one server at once, on this machine, while two runs go on.

    python -m benchmarks.load [--sessions 30] [--minutes 2] [--json]

A shared server (`UNLEARN_SHARED=1`) on a new home; each visitor has the example and a run of their own.
All but two visitors speak Streamlit's protocol (`benchmarks/protocol_visitor.py`), two are real browsers.
Every few seconds each opens another page, presses a quick pick in the gallery, or asks for maps of another
target; two of them start one run after another. Before the measurement all others open every page once.

*p50* and *p95*: milliseconds from the message of a page switch to the end of the script, of the protocol's
visitors. *Errors*: exceptions and boxes of errors on pages, closed sockets, answers other than 200, messages
in the browser's console, runs that fail. *Memory growth*: of the server's process and its workers, from the
end of that first round to the end of the measurement. It needs the test requirements.
"""

import asyncio
import hashlib
import json
import os
import random
import shutil
import sys
import time
from contextlib import nullcontext, redirect_stdout
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import Protocol

import psutil
from playwright.async_api import Browser, ConsoleMessage, async_playwright

from benchmarks.protocol_visitor import XSRF_COOKIE, Visitor
from benchmarks.running import Case, Result, arguments, carry_out, markdown
from tests.browser.conftest import CHROMIUM, FLAGS, LAPTOP, start_server, stop_server
from unlearn_core.store.example import EXAMPLE, install_example
from unlearn_core.store.rows import UNDER_WAY, Run, RunState
from unlearn_core.store.runs import Store

BROWSERS, RUNNERS = 2, 2
SECONDS_BETWEEN = (5.0, 15.0)
"""Between two actions of a visitor: at least and at most."""
SETTLED = (
    "document.querySelector('[data-testid=stApp]')?.getAttribute('data-test-script-state') == 'notRunning'"
)


class Person(Protocol):
    """What visitors of both kinds can do."""

    pages: dict[str, str]
    errors: list[str]

    async def switch(self, title: str) -> float:
        """Open another page and return the seconds until it stands."""
        ...


class BrowserTab:
    """A tab of a real browser."""

    def __init__(self, url: str, cookie: str, browser: Browser) -> None:
        self.url, self.cookie, self.errors = url, cookie, list[str]()
        self.pages: dict[str, str] = {}
        self._browser = browser

    async def __aenter__(self) -> "BrowserTab":
        context = await self._browser.new_context(viewport=LAPTOP)  # type: ignore[arg-type]
        context.set_default_timeout(600_000)
        await context.add_cookies([{"name": XSRF_COOKIE, "value": self.cookie, "url": self.url}])
        self._page = await context.new_page()
        self._page.on("console", self._note)
        self._page.on("pageerror", lambda error: self.errors.append(str(error)))
        await self._page.goto(f"{self.url}/?run={EXAMPLE}")
        links = self._page.get_by_test_id("stTopNavLink")
        await links.first.wait_for()
        self.pages = {title.split("\n")[-1]: "" for title in await links.all_inner_texts()}
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._page.context.close()

    def _note(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(message.text)

    async def switch(self, title: str) -> float:
        """Open another page and return the seconds until it stands."""
        start = time.perf_counter()
        await self._page.get_by_test_id("stTopNavLink").filter(has_text=title).first.click()
        await self._page.wait_for_timeout(300)
        await self._page.wait_for_function(SETTLED)
        for box in ("stException", "stAlertContentError"):
            self.errors += await self._page.get_by_test_id(box).all_inner_texts()
        return time.perf_counter() - start


def _cookie(number: int) -> str:
    """Return the cookie of a visitor, as the server would set it; its mask is zero."""
    return f"2|00000000|{number:032x}|1"


def _visitor_id(number: int) -> str:
    return hashlib.sha256(f"visitor {number:032x}".encode()).hexdigest()[:16]


def _prepare(home: Path, sessions: int) -> Store:
    """Make a home with the example, and with a copy of it for each visitor to compare it with."""
    store = Store(home)
    example = install_example(store)

    def fill(folder: Path) -> None:
        shutil.copytree(store.folder(EXAMPLE), folder, copy_function=os.link, dirs_exist_ok=True)

    for number in range(sessions):
        fields = {**example.model_dump(), "id": f"{number:032x}", "visitor": _visitor_id(number)}
        store.add([Run(**fields)], fill)
    return store


async def _open_every_page(person: Person) -> None:
    for title in person.pages:
        await person.switch(title)


async def _use(person: Person, chance: random.Random, end: float) -> list[tuple[str, int]]:
    """Use the app like a person until `end`; return page and milliseconds of each page switch."""
    times = []
    while time.monotonic() < end:
        await asyncio.sleep(chance.uniform(*SECONDS_BETWEEN))
        title = chance.choice(list(person.pages))
        times.append((title, round(1000 * await person.switch(title))))
        if isinstance(person, Visitor):
            if title == "Attributions":
                await person.act({"target": chance.choice(("label", "new"))})
            elif title == "Forget" and "quick_random" in person.widgets:
                await person.act({"quick_random": True})
    return times


async def _run_again_and_again(person: Visitor, number: int, store: Store, ended: asyncio.Event) -> None:
    """Start a run, watch it, and start the next one when it has ended."""
    seed = 1000 * number
    while not ended.is_set():
        await person.switch("Forget")
        await person.act({"new": True})
        await person.act({"quick_random": True})
        await person.act({"seed": (seed := seed + 1)})
        await person.act({"forget": True})
        mine = await asyncio.to_thread(store.runs, _visitor_id(number))
        while not ended.is_set() and store.get(mine[0].id).state in UNDER_WAY:
            await asyncio.sleep(1)


def _memory(process: psutil.Process) -> tuple[int, int]:
    """Return the MB of a process, and of those it started."""
    workers = sum(one.memory_info().rss for one in process.children(recursive=True))
    return process.memory_info().rss // 2**20, workers // 2**20


async def _visit(url: str, process: psutil.Process, store: Store, sessions: int, seconds: float) -> Result:
    chance = random.Random(0)
    async with async_playwright() as playwright:
        own = str(CHROMIUM) if CHROMIUM.exists() else None
        browser = await playwright.chromium.launch(executable_path=own, args=FLAGS)
        spoken = [Visitor(url, _cookie(n), f"run={EXAMPLE}") for n in range(sessions - BROWSERS)]
        tabs = [BrowserTab(url, _cookie(n), browser) for n in range(sessions - BROWSERS, sessions)]
        people: list[Visitor | BrowserTab] = [*spoken, *tabs]
        await asyncio.gather(*(person.__aenter__() for person in people))
        ended = asyncio.Event()
        runners = [
            asyncio.create_task(_run_again_and_again(person, number, store, ended))
            for number, person in enumerate(spoken[:RUNNERS])
        ]
        # One first: what workers measure is there for all others.
        await _open_every_page(people[RUNNERS])
        await asyncio.gather(*(_open_every_page(person) for person in people[RUNNERS:]))
        before, end = _memory(process), time.monotonic() + seconds
        users = [_use(person, random.Random(chance.random()), end) for person in people[RUNNERS:]]
        times = await asyncio.gather(*users)
        after = _memory(process)
        ended.set()
        await asyncio.gather(*runners)
        await asyncio.gather(*(person.__aexit__() for person in people))
        await browser.close()
    return {
        "errors": [error for person in people for error in person.errors],
        "switches": [one for some in times[: -len(tabs)] for one in some],
        "switches_in_browsers": [one for some in times[-len(tabs) :] for one in some],
        "memory_mb": {"before": before, "after": after},
    }


def measure(case: Case) -> Result:
    """Start a server and let everyone visit it."""
    with TemporaryDirectory(prefix="unlearn-load-", ignore_cleanup_errors=True) as folder:
        home = Path(folder) / "home"
        store = _prepare(home, case["sessions"])
        app, process = start_server(home, {"UNLEARN_SHARED": "1"})
        try:
            server = psutil.Process(process.pid)
            found = asyncio.run(_visit(app.url, server, store, case["sessions"], 60 * case["minutes"]))
        finally:
            stop_server(process)
        runs = [run for run in store.runs() if not run.id.startswith("0000") and run.id != EXAMPLE]
    found["errors"] += [str(run.error) for run in runs if run.state in (RunState.FAILED, RunState.DAMAGED)]
    return {**found, "runs": sum(run.state == RunState.DONE for run in runs)}


def _summary(result: Result) -> Result:
    before, after = (sum(result["memory_mb"][when]) for when in ("before", "after"))
    times = [milliseconds for _, milliseconds in result["switches"]]
    return {
        "sessions": result["case"]["sessions"],
        "errors": len(result["errors"]),
        "p50_ms": round(median(times)),
        "p95_ms": round(quantiles(times, n=20, method="inclusive")[-1]),
        "memory_growth_percent": round(100 * (after - before) / before, 1),
    }


def table(results: list[Result]) -> str:
    """Return the results as Markdown."""
    rows = []
    for result in results:
        numbers = _summary(result)
        minutes, runs = result["case"]["minutes"], result["runs"]
        rows.append([f"{minutes:g}", *(f"{value:,}" for value in numbers.values()), str(runs)])
    head = ["minutes", "sessions", "errors", "p50, ms", "p95, ms", "memory growth, %", "runs finished"]
    return markdown(head, rows)


def main() -> None:
    """Run what is missing and print the table, or the figures with `--json`."""
    parser = arguments(__doc__, "load")
    parser.add_argument("--sessions", type=int, default=30, help="at least 5")
    parser.add_argument("--minutes", type=float, default=2)
    asked = parser.parse_args()
    case = {"sessions": asked.sessions, "minutes": asked.minutes}
    with redirect_stdout(sys.stderr) if asked.json else nullcontext():
        carry_out(asked, [case], measure, table)
    if asked.json:
        kept = json.loads(asked.out.read_text(encoding="utf-8"))
        print(json.dumps(_summary(kept[json.dumps(case, sort_keys=True)])))


if __name__ == "__main__":
    main()
