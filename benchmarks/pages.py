"""How long the server works for a page switch, and for a click that needs no new tensor work.

    python -m benchmarks.pages [--repeats 5] [--json]

The app runs as Streamlit's own test frame runs it, without a browser, on a store of its own with one finished
run on the digits, and a second one like it to compare with. Every page is opened before, so that what workers
make is there. Seconds are those of the whole rerun: what the server does until the page stands.
"""

import os
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from streamlit.testing.v1 import AppTest

from benchmarks.running import Case, Result, arguments, carry_out, markdown, spread
from unlearn_core.jobs.carry_out import run_forget
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.runs import Store

APP = Path(__file__).parents[1] / "app.py"
PATIENCE = 300
PAGES = ("forget", "before_after", "weights", "attributions", "replay", "compare", "add", "runs")
CLICKS: dict[str, tuple[str, Callable[[AppTest], object]]] = {
    "quick pick": ("forget", lambda app: app.button(key="quick_random").click()),
    "other target, maps known": ("attributions", lambda app: _flip(app, "target", ("label", "new"))),
    "run selected again": ("weights", lambda app: app.selectbox[0].set_value(app.selectbox[0].value)),
}
GOAL_SWITCH, GOAL_CLICK = 0.5, 0.3


def _flip(app: AppTest, key: str, values: tuple[str, str]) -> None:
    box = app.selectbox(key=key)
    box.set_value(values[box.value == values[0]])


@cache
def _store() -> Store:
    """Return a store with two finished runs, below a folder that goes when the process ends."""
    folder = TemporaryDirectory(prefix="unlearn-pages-")
    _kept.append(folder)
    os.environ["UNLEARN_HOME"] = folder.name
    store = Store(Path(folder.name))
    for seed in (1, 0):
        run_forget(store, store.create(ForgetRequest(pick="hardest:16", seed=seed)).id)
    return store


_kept: list[TemporaryDirectory[str]] = []


def _file(page: str) -> str:
    return f"pages/{page}/{page}.py"


def measure(case: Case) -> Result:
    """Return the seconds of every repeat, after one that does not count."""
    run = _store().runs()[0]
    app = AppTest.from_file(str(APP), default_timeout=PATIENCE)
    app.query_params["run"] = run.id
    app.run()
    click = CLICKS.get(case["what"])
    page = _file(case["what"] if click is None else click[0])
    times: list[float] = []
    for _ in range(case["repeats"] + 2):
        if click is None:
            app.switch_page(_file("weights" if case["what"] == "runs" else "runs")).run()
            app.switch_page(page)
        else:
            if not times:
                app.switch_page(page).run()
            click[1](app)
        start = time.perf_counter()
        app.run()
        times.append(round(time.perf_counter() - start, 4))
        if app.exception:
            raise RuntimeError(app.exception[0].message)
    return {"kind": "switch" if click is None else "click", "seconds": times[2:]}


def table(results: list[Result]) -> str:
    """Return the results as Markdown."""
    rows = [
        [
            result["case"]["what"].replace("_", " "),
            result["kind"],
            spread([median(result["seconds"])]),
            spread([max(result["seconds"])]),
            f"{GOAL_SWITCH if result['kind'] == 'switch' else GOAL_CLICK}",
        ]
        for result in results
    ]
    return markdown(["what", "kind", "median, s", "worst, s", "goal, s"], rows)


def main() -> None:
    """Run what is missing and print the table, or the results with `--json`."""
    parser = arguments(__doc__, "pages")
    parser.add_argument("--repeats", type=int, default=5)
    asked = parser.parse_args()
    cases = [{"what": what, "repeats": asked.repeats} for what in (*PAGES, *CLICKS)]
    carry_out(asked, cases, measure, table)


if __name__ == "__main__":
    main()
