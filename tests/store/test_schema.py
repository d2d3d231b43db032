"""Versions of the store's database, with real files: of today, of version 0.1.0, older, newer."""

import multiprocessing
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy.engine import Connection

from tests.old_home import NAMES, unpack
from unlearn_core.errors import UserError
from unlearn_core.store import schema
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.runs import Store


def version_of(root: Path) -> int:
    with closing(sqlite3.connect(root / "runs.sqlite")) as sql:
        return int(sql.execute("PRAGMA user_version").fetchone()[0])


def columns_of(root: Path) -> list[str]:
    with closing(sqlite3.connect(root / "runs.sqlite")) as sql:
        return [row[1] for row in sql.execute("PRAGMA table_info(run)")]


def change(root: Path, *statements: str) -> None:
    with closing(sqlite3.connect(root / "runs.sqlite")) as sql:
        for statement in statements:
            sql.execute(statement)
        sql.commit()


@pytest.fixture
def before_0_1(tmp_path: Path) -> Path:
    """Make the home of version 0.1.0 one that lacks the columns which came last."""
    root = unpack(tmp_path)
    change(root, *(f"ALTER TABLE run DROP COLUMN {name}" for name in ("visitor", "phase_share")))
    return root


def test_a_new_database_has_the_present_version(store: Store) -> None:
    assert version_of(store.root) == len(schema._STEPS) > 0


def test_the_database_of_the_first_version_is_taken_on(tmp_path: Path) -> None:
    root = unpack(tmp_path)
    assert version_of(root) == 0
    assert {run.name for run in Store(root).runs()} == set(NAMES.values())
    assert version_of(root) == len(schema._STEPS)


def test_columns_that_came_later_are_added(before_0_1: Path) -> None:
    store = Store(before_0_1)
    assert {(run.visitor, run.phase_share) for run in store.runs()} == {("", 0.0)}
    assert {run.name for run in store.runs()} == set(NAMES.values())
    assert store.get(store.create(ForgetRequest(), visitor="ada").id).visitor == "ada"


def test_a_step_that_fails_leaves_the_version_before_it(
    before_0_1: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half(connection: Connection) -> None:
        connection.exec_driver_sql("ALTER TABLE run ADD COLUMN half INTEGER")
        connection.exec_driver_sql("ALTER TABLE elsewhere ADD COLUMN other INTEGER")

    monkeypatch.setattr(schema, "_STEPS", [*schema._STEPS, half])
    with pytest.raises(UserError, match="cannot be opened: no such table"):
        Store(before_0_1)
    assert version_of(before_0_1) == len(schema._STEPS) - 1
    assert "visitor" in columns_of(before_0_1)
    assert "half" not in columns_of(before_0_1)


def test_a_newer_database_is_refused_and_left_as_it_is(store: Store) -> None:
    store.create(ForgetRequest())
    store._sql.dispose()
    change(store.root, "PRAGMA journal_mode=DELETE", f"PRAGMA user_version = {len(schema._STEPS) + 1}")
    before = (store.root / "runs.sqlite").read_bytes()
    with pytest.raises(UserError, match=r"written by a newer version of Unlearn Lens: update it\.$"):
        Store(store.root)
    assert (store.root / "runs.sqlite").read_bytes() == before
    assert [file.name for file in store.root.glob("runs.sqlite*")] == ["runs.sqlite"]


def test_a_new_file_that_another_process_writes_to_is_waited_for(tmp_path: Path) -> None:
    root = tmp_path / "new"
    root.mkdir()
    other = sqlite3.connect(root / "runs.sqlite", isolation_level=None, check_same_thread=False)
    with closing(other):
        other.execute("CREATE TABLE other (one)")
        other.execute("BEGIN IMMEDIATE")
        threading.Timer(1, other.execute, ("COMMIT",)).start()
        assert Store(root).runs() == []


def _open(
    root: Path, start: "multiprocessing.synchronize.Barrier", opened: "multiprocessing.Queue[str]"
) -> None:
    start.wait(600)
    try:
        opened.put(f"{len(Store(root).runs())} runs")
    except UserError as error:
        opened.put(str(error))


@pytest.mark.parametrize("new", [True, False], ids=["new", "old"])
def test_processes_that_open_it_at_once_wait_for_each_other(
    new: bool, before_0_1: Path, tmp_path: Path
) -> None:
    root = tmp_path / "new" if new else before_0_1
    context = multiprocessing.get_context("spawn")
    start, opened = context.Barrier(4), context.Queue()
    processes = [context.Process(target=_open, args=(root, start, opened)) for _ in range(4)]
    for process in processes:
        process.start()
    said = {opened.get(timeout=600) for _ in processes}
    for process in processes:
        process.join()
    assert said == {"0 runs" if new else f"{len(NAMES)} runs"}
    assert version_of(root) == len(schema._STEPS)
