"""A database that is damaged or lost is set aside and made anew from the folders of its runs."""

import json
import logging
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest

from tests.made import result, step
from unlearn_core.artifacts.steps import append_step
from unlearn_core.commands.main import main
from unlearn_core.errors import UserError
from unlearn_core.store.news import take_news
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.rows import Run, RunState
from unlearn_core.store.runs import Store

REQUEST = ForgetRequest(pick="ids:3,14")


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _flip(path: Path) -> None:
    """Change the type of the first page of the table's tree."""
    with closing(sqlite3.connect(path)) as sql:
        (page,) = sql.execute("SELECT rootpage FROM sqlite_master WHERE name = 'run'").fetchone()
        (size,) = sql.execute("PRAGMA page_size").fetchone()
    data = bytearray(path.read_bytes())
    data[(page - 1) * size] ^= 0x40
    path.write_bytes(data)


def _other_database(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as sql:
        sql.execute("CREATE TABLE run (id TEXT)")
        sql.execute("PRAGMA user_version = 3")


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGES: dict[str, Callable[[Path], object]] = {
    "cut": _cut,
    "flipped": _flip,
    "emptied": lambda path: path.write_bytes(b""),
    "a text": lambda path: path.write_bytes(b"not a database, " * 500),
    "another database": _other_database,
    "a folder": _folder,
    "removed": lambda path: path.unlink(),
}


def _two_runs(store: Store) -> list[Run]:
    """Return a finished and a failed run, as they are listed."""
    done, failed = store.create(REQUEST, "done"), store.create(REQUEST, "failed")
    store.finish(done.id, RunState.DONE, result=result(steps=7))
    store.update(failed.id, state=RunState.FAILED, error="Too few pictures.")
    for run in (done, failed):
        append_step(store.folder(run.id), step(0))
    return store.runs()


def _closed(store: Store) -> Path:
    """Return the database file without journals, as after the last process closed it."""
    store._sql.dispose()
    with closing(sqlite3.connect(store.root / "runs.sqlite")) as sql:
        sql.execute("PRAGMA journal_mode=DELETE")
    return store.root / "runs.sqlite"


@pytest.mark.parametrize("damage", DAMAGES)
def test_every_run_is_back_and_it_is_told_once(
    store: Store, damage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = _two_runs(store)
    path = _closed(store)
    DAMAGES[damage](path)
    assert Store(store.root).runs() == runs
    kept = list(store.root.glob("runs.sqlite.damaged-*"))
    assert len(kept) == (damage not in ("emptied", "removed"))
    assert main(["runs", "list"]) == 0
    told = capsys.readouterr()
    assert "2 runs were not in the store's database and are back from the run folders." in told.err
    assert all(f"): it is now {path.name}." in told.err for path in kept)
    assert [line.split()[1] for line in told.out.splitlines()] == ["failed", "done"]
    assert main(["runs", "list"]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("damage", DAMAGES)
def test_it_may_happen_while_two_processes_use_it(store: Store, damage: str) -> None:
    other, runs = Store(store.root), _two_runs(store)
    assert other.runs() == runs
    store._sql.dispose()
    DAMAGES[damage](_closed(other))
    for one in (store, other):
        # Whoever notices first says so; the next call has everything again.
        with suppress(UserError):
            one.runs()
        assert one.runs() == runs
    added = other.create(REQUEST)
    assert store.get(added.id).name == added.name


def test_a_folder_without_a_readable_run_is_a_damaged_run(store: Store) -> None:
    whole, cut, without = (store.create(REQUEST) for _ in range(3))
    for run in (whole, cut, without):
        store.finish(run.id, RunState.DONE, result=result())
        append_step(store.folder(run.id), step(0))
    _cut(store.folder(cut.id) / "run.json")
    (store.folder(without.id) / "run.json").unlink()
    _closed(store).unlink()
    again = Store(store.root)
    assert {run.id: run.state for run in again.runs()} == {
        whole.id: RunState.DONE,
        cut.id: RunState.DAMAGED,
        without.id: RunState.DAMAGED,
    }
    assert take_news(store.root)[-1].endswith("are back from the run folders, 2 of them damaged.")
    again.delete(cut.id)
    assert cut.id not in [run.id for run in Store(store.root).runs()]


def test_one_lost_row_is_back_and_a_changed_file_does_not_speak_for_it(store: Store) -> None:
    runs = _two_runs(store)
    file = store.folder(runs[0].id) / "run.json"
    file.write_text(file.read_text(encoding="utf-8").replace("Too few", "Too new"), encoding="utf-8")
    with closing(sqlite3.connect(_closed(store))) as sql:
        sql.execute("DELETE FROM run")
        sql.commit()
    states = {run.id: run.state for run in Store(store.root).runs()}
    assert states == {runs[0].id: RunState.DAMAGED, runs[1].id: RunState.DONE}


def test_the_file_of_a_run_follows_its_row(store: Store) -> None:
    run = store.create(REQUEST, visitor="a" * 16)
    file = store.folder(run.id) / "run.json"
    assert json.loads(file.read_text(encoding="utf-8"))["state"] == RunState.QUEUED
    store.end(run.id, RunState.INTERRUPTED, "The program ended.")
    assert json.loads(file.read_text(encoding="utf-8"))["error"] == "The program ended."
    store.queue_again(run.id)
    store.rename(run.id, "again")
    kept = json.loads(file.read_text(encoding="utf-8"))
    assert (kept["state"], kept["name"], kept["visitor"]) == ("queued", "again", "a" * 16)
    store.finish(run.id, RunState.DONE, result=result())
    assert json.loads(file.read_text(encoding="utf-8"))["result"] == json.dumps(result().to_json())


def test_what_is_left_of_a_deleted_run_does_not_come_back(store: Store) -> None:
    run, other = store.create(REQUEST), store.create(REQUEST)
    store.finish(run.id, RunState.DONE)
    store.delete(run.id)
    store.folder(run.id).mkdir()
    append_step(store.folder(run.id), step(0))
    assert [one.id for one in Store(store.root).runs()] == [other.id]


def test_a_new_store_says_nothing(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        Store(store.root)
    assert caplog.messages == []
