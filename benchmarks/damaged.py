"""What damage costs: each target in a home is damaged in each manner, and every page is opened.

    python -m benchmarks.damaged [--out FILE] [--json]

A home has three finished runs, of which one is damaged. *Tracebacks*: pages that end with an exception;
*harmed*: pages of another run that show less than before; *silent*: 1 if files or row of the damaged run are
not what they were, and none of its pages says so.
"""

import os
import re
import shutil
import sqlite3
import tempfile
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from streamlit.testing.v1 import AppTest

from benchmarks.running import Case, Result, arguments, carry_out, grouped, markdown
from pages.shared.app_state import engine
from unlearn_core.errors import UserError
from unlearn_core.measuring.known_image_table import table_path
from unlearn_core.store.database import DATABASE
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.rows import RunState
from unlearn_core.store.run_file import check_run_files
from unlearn_core.store.runs import open_store

COLUMNS = {"request": "request", "result": "result", "date": "created", "state": "state"}
FILES = {
    "steps": "steps.jsonl",
    "predictions": "predictions.npz",
    "weights": "weights.safetensors",
    "snapshot": "snapshots/1.npz",
}
TARGETS = ("database", *COLUMNS, *FILES, "image table")
MANNERS = ("cut", "flipped", "emptied", "wrong type", "removed")
REQUEST = ForgetRequest(pick="random:4", options={"depth": 0, "examples": 16, "deformed": 64}, max_steps=20)
PAGES = ("forget", "before_after", "weights", "attributions", "replay", "compare", "runs")
COUNTS = ("tracebacks", "harmed", "silent")
_SAYS = re.compile("damaged|missing|cannot be read|no weights|no snapshots")
_APP = Path(__file__).parents[1] / "app.py"


def damage(root: Path, run_id: str, target: str, manner: str) -> None:
    """Damage one thing of a run in a home that no process uses."""
    if target in COLUMNS:
        _damage_row(root, run_id, COLUMNS[target], manner)
    elif target == "database":
        damage_file(root / "runs.sqlite", manner)
    elif target == "image table":
        damage_file(table_path(root, REQUEST.classifier, REQUEST.images), manner)
    else:
        damage_file(root / "runs" / run_id / FILES[target], manner)


def damage_file(path: Path, manner: str) -> None:
    """Damage a file; one of the wrong type is another whole file of the same ending."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x10
    path.unlink()
    if manner == "wrong type" and path.suffix == ".npz":
        np.savez(path, other=np.array(["a text"]))
    elif manner != "removed":
        half = data[: len(data) // 2]
        texts = {"cut": half, "flipped": data, "emptied": bytearray(), "wrong type": bytearray(b"a text\n")}
        path.write_bytes(texts[manner])


def _damage_row(root: Path, run_id: str, column: str, manner: str) -> None:
    with closing(sqlite3.connect(root / "runs.sqlite")) as sql:
        (text,) = sql.execute(f"SELECT {column} FROM run WHERE id = ?", (run_id,)).fetchone()
        half = len(text) // 2
        flipped = text[:half] + chr(ord(text[half]) ^ 1) + text[half + 1 :]
        values = {"cut": text[:half], "flipped": flipped, "emptied": "", "wrong type": b"\xff\x00"}
        if manner in values:
            sql.execute(f"UPDATE run SET {column} = ? WHERE id = ?", (values[manner], run_id))
        elif column == "result":
            sql.execute("UPDATE run SET result = NULL WHERE id = ?", (run_id,))
        else:
            # The other columns are never without a value, so the row is removed.
            sql.execute("DELETE FROM run WHERE id = ?", (run_id,))
        sql.commit()


class Opened(NamedTuple):
    """A page: whether it ends with an exception, its errors and warnings, and how many figures it has."""

    failed: bool
    words: str
    shown: int


class Home:
    """A home with three finished runs, and what it was before it was damaged."""

    def __init__(self, folder: Path) -> None:
        from unlearn_core.jobs.carry_out import run_forget

        os.environ["UNLEARN_HOME"] = str(folder / "home")
        self.store, self._kept = open_store(), folder / "kept"
        runs = [self.store.create(REQUEST, name).id for name in ("damaged", "whole", "other")]
        for run_id in runs:
            run_forget(self.store, run_id)
        self.damaged, self.whole, _ = runs
        # What the pages measure once is measured before anything is damaged.
        self.pages = AppTest.from_file(str(_APP), default_timeout=600).run()
        for page in PAGES:
            for run_id in runs:
                self.open(page, run_id)
        self.shown = {page: self.open(page, self.whole).shown for page in PAGES}
        self._kept.mkdir()
        databases = (sqlite3.connect(folder / DATABASE) for folder in (self.store.root, self._kept))
        with closing(next(databases)) as sql, closing(next(databases)) as kept:
            sql.backup(kept)
        for name in ("runs", "tables"):
            shutil.copytree(self.store.root / name, self._kept / name)

    def open(self, page: str, run_id: str) -> Opened:
        """Open a page with a run."""
        self.pages.switch_page(f"pages/{page}/{page}.py")
        self.pages.query_params["run"] = run_id
        self.pages.run()
        words = " ".join(one.value for one in (*self.pages.error, *self.pages.warning))
        shown = sum(len(self.pages.get(kind)) for kind in ("plotly_chart", "html", "dataframe", "metric"))
        return Opened(bool(self.pages.exception), words, shown)

    def is_changed(self) -> bool:
        """Return whether the damaged run is not what it was, as far as the store can tell."""
        try:
            check_run_files(self.store.folder(self.damaged))
            return self.store.get(self.damaged).state != RunState.DONE
        except UserError:
            return True

    def mend(self) -> None:
        """Bring everything back."""
        for name in ("runs", "tables"):
            shutil.rmtree(self.store.root / name)
            shutil.copytree(self._kept / name, self.store.root / name)
        for path in self.store.root.glob(f"{DATABASE}*"):
            path.unlink()
        shutil.copyfile(self._kept / DATABASE, self.store.root / DATABASE)


def measure(home: Home, case: Case) -> Result:
    """Damage one thing, and open all pages with both runs."""
    damage(home.store.root, home.damaged, case["target"], case["manner"])
    of_damaged = [home.open(page, home.damaged) for page in PAGES]
    of_whole = [home.open(page, home.whole) for page in PAGES]
    said = any(_SAYS.search(one.words) for one in of_damaged)
    found: Result = {
        "tracebacks": sum(one.failed for one in (*of_damaged, *of_whole)),
        # The comparison has one run less.
        "harmed": sum(one.shown < home.shown[page] for page, one in zip(PAGES, of_whole, strict=True)),
        "silent": int(home.is_changed() and not said),
    }
    home.mend()
    return found


def table(results: list[Result]) -> str:
    """Return the sums as Markdown, by target."""
    rows = []
    for target, same in grouped(results, lambda result: (result["case"]["target"],)).items():
        rows.append([*target, str(len(same)), *(str(sum(one[name] for one in same)) for name in COUNTS)])
    return markdown(["damaged", "manners", *COUNTS], rows)


def main() -> None:
    """Do what is missing and print the table, or the sums with `--json`."""
    asked = arguments(__doc__, "damaged").parse_args()
    cases = [{"target": target, "manner": manner} for target in TARGETS for manner in MANNERS]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        home = Home(Path(folder))
        carry_out(asked, cases, partial(measure, home), table)
        engine().close()


if __name__ == "__main__":
    main()
