"""The store: a real database file, several processes, a full disk, damaged files."""

import json
import multiprocessing
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from tests.made import result, step
from unlearn_core.artifacts.steps import append_step
from unlearn_core.errors import UserError
from unlearn_core.store.processes import this_process
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.rows import RunState
from unlearn_core.store.runs import Store, open_store

REQUEST = ForgetRequest(pick="ids:3,14")
DEAD = this_process().rpartition("/")[0] + "/0.00"
"""An owner with this process' number that began long before it."""


def test_a_run_comes_back_as_it_was_asked_for(store: Store) -> None:
    run = store.create(REQUEST, "two digits")
    again = Store(store.root).get(run.id)
    assert again.parsed_request() == REQUEST
    assert (again.name, again.state, again.parsed_result()) == ("two digits", RunState.QUEUED, None)
    assert store.folder(run.id).is_dir()


def test_a_process_opens_a_store_once(store: Store, tmp_path: Path) -> None:
    assert open_store() is open_store(store.root)
    assert open_store(tmp_path) is not open_store()
    assert open_store().get(store.create(REQUEST).id).parsed_request() == REQUEST


def test_runs_are_listed_newest_first(store: Store) -> None:
    ids = [store.create(REQUEST).id for _ in range(3)]
    assert [run.id for run in store.runs()] == ids[::-1]


def test_finishing_keeps_result_and_time(store: Store) -> None:
    run = store.create(REQUEST)
    store.finish(run.id, RunState.DONE, result=result(steps=7))
    kept = store.get(run.id)
    assert kept.parsed_result() == result(steps=7)
    assert kept.finished is not None


def test_an_unknown_run_is_one_sentence(store: Store) -> None:
    for unknown in ("00000000", "../../etc", ""):
        with pytest.raises(UserError, match="There is no run"):
            store.get(unknown)
        with pytest.raises(UserError, match="There is no run"):
            store.delete(unknown)


def test_renaming(store: Store) -> None:
    run = store.create(REQUEST)
    store.rename(run.id, "  lesson 3 ")
    assert store.get(run.id).name == "lesson 3"
    for bad in ("   ", "x" * 81):
        with pytest.raises(UserError, match="1 to 80"):
            store.rename(run.id, bad)


def test_deleting_removes_row_and_folder_but_not_a_run_under_way(store: Store) -> None:
    run = store.create(REQUEST)
    with pytest.raises(UserError, match="cancel it"):
        store.delete(run.id)
    store.finish(run.id, RunState.CANCELLED)
    store.delete(run.id)
    assert not store.folder(run.id).exists()
    assert store.runs() == []


def test_a_deleted_run_counts_as_cancelled_and_stays_deleted(store: Store) -> None:
    run = store.create(REQUEST)
    store.finish(run.id, RunState.DONE)
    store.delete(run.id)
    assert store.cancel_requested(run.id)
    store.update(run.id, steps_done=3)
    assert store.runs() == []


def test_steps_leave_out_a_line_that_is_still_being_written(store: Store) -> None:
    run = store.create(REQUEST)
    assert store.steps(run.id) == []
    append_step(store.folder(run.id), step(0))
    with (store.folder(run.id) / "steps.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"step": 1')
    assert store.steps(run.id) == [step(0)]


def test_damaged_steps_are_one_sentence_and_harm_no_other_run(store: Store) -> None:
    damaged, whole = store.create(REQUEST), store.create(REQUEST)
    append_step(store.folder(whole.id), step(0))
    (store.folder(damaged.id) / "steps.jsonl").write_bytes(b"\x00\xff not json\n")
    with pytest.raises(UserError, match="damaged"):
        store.steps(damaged.id)
    assert store.steps(whole.id) == [step(0)]
    assert len(store.runs()) == 2


def test_a_missing_folder_leaves_the_row_readable_and_deletable(store: Store) -> None:
    run = store.create(REQUEST)
    store.finish(run.id, RunState.DONE)
    shutil.rmtree(store.folder(run.id))
    with pytest.raises(UserError, match=f"The folder of run {run.id} is missing"):
        store.steps(run.id)
    store.delete(run.id)
    assert store.runs() == []


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(UserError, match="cannot be written"):
        Store(tmp_path / "file" / "home")


def test_runs_of_a_dead_process_become_interrupted(store: Store) -> None:
    program = (
        "from unlearn_core.store.runs import Store; from unlearn_core.store.request import ForgetRequest\n"
        "print(Store().create(ForgetRequest()).id)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    own = store.create(REQUEST)
    assert store.mark_interrupted() == [done.stdout.strip()]
    assert store.get(done.stdout.strip()).state == RunState.INTERRUPTED
    assert store.get(own.id).state == RunState.QUEUED


def test_what_this_process_writes_is_seen_by_others_whoever_opens_the_store(store: Store) -> None:
    run = store.create(REQUEST)
    program = f"from unlearn_core.store.runs import Store; print(Store().get('{run.id}').steps_done)"
    for number in (3, 5):
        # To open the file itself here would take the locks of the first store away.
        Store(store.root)
        store.update(run.id, steps_done=number)
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        assert done.stdout.split() == [str(number)]


def _create_and_finish(root: str, times: int) -> None:
    store = Store(Path(root))
    for number in range(times):
        run = store.create(REQUEST)
        append_step(store.folder(run.id), step(number))
        store.finish(run.id, RunState.DONE, result=result(steps=number))


def test_several_processes_write_at_once(store: Store) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_create_and_finish, args=(str(store.root), 15)) for _ in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    runs = store.runs()
    assert len(runs) == 45
    assert all(run.state == RunState.DONE and len(store.steps(run.id)) == 1 for run in runs)


def _fill_the_disk(root: str, queue: "multiprocessing.Queue[str]") -> None:
    """Write with a limit on file size, which fails as a full disk does."""
    import resource
    import signal

    store = Store(Path(root))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    size = sum(file.stat().st_size for file in Path(root).glob("runs.sqlite*"))
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    try:
        for _ in range(1000):
            store.create(REQUEST, "x" * 1000)
    except UserError as error:
        queue.put(str(error))
    else:
        queue.put("nothing was raised")


@pytest.mark.skipif(sys.platform == "win32", reason="limits a file's size, which Windows cannot")
def test_a_full_disk_is_one_sentence_and_what_is_kept_stays(store: Store) -> None:
    kept = store.create(REQUEST, "kept")
    store.finish(kept.id, RunState.DONE, result=result(steps=1))
    context = multiprocessing.get_context("spawn")
    queue: multiprocessing.Queue[str] = context.Queue()
    writer = context.Process(target=_fill_the_disk, args=(str(store.root), queue))
    writer.start()
    sentence = queue.get(timeout=600)
    writer.join()
    assert "cannot be written" in sentence
    again = Store(store.root)
    assert again.get(kept.id).parsed_result() == result(steps=1)
    assert again.create(REQUEST).id in {run.id for run in again.runs()}


def test_nothing_kept_is_a_pickle(store: Store) -> None:
    run = store.create(REQUEST)
    assert json.loads(run.request)["pick"] == "ids:3,14"


def test_the_runs_of_a_visitor_are_listed_alone_and_have_ids_that_nobody_guesses(store: Store) -> None:
    mine, other = (store.create(REQUEST, visitor=one * 16) for one in "ab")
    alone = store.create(REQUEST)
    assert [run.id for run in store.runs("a" * 16)] == [mine.id]
    assert len(store.runs()) == 3
    assert (len(mine.id), len(other.id), len(alone.id)) == (32, 32, 8)


def test_an_end_that_comes_too_late_changes_nothing(store: Store) -> None:
    run = store.create(REQUEST)
    store.finish(run.id, RunState.DONE, result=result(steps=7))
    store.end(run.id, RunState.INTERRUPTED, "Too late.")
    kept = store.get(run.id)
    assert (kept.state, kept.error, kept.parsed_result()) == (RunState.DONE, None, result(steps=7))


@pytest.mark.parametrize("state", [RunState.QUEUED, RunState.RUNNING])
def test_a_run_under_way_ends_once_and_one_of_a_dead_process_can_be_deleted(
    store: Store, state: RunState
) -> None:
    run = store.create(REQUEST)
    store.update(run.id, state=state)
    with pytest.raises(UserError, match="cancel it"):
        store.delete(run.id)
    ended = store.create(REQUEST)
    store.update(ended.id, state=state)
    store.end(ended.id, RunState.FAILED, "The worker died.")
    kept = store.get(ended.id)
    assert (kept.state, kept.error) == (RunState.FAILED, "The worker died.")
    assert kept.finished is not None
    store.update(run.id, owner=DEAD)
    store.delete(run.id)
    assert [one.id for one in store.runs()] == [ended.id]


def test_only_runs_under_way_are_interrupted(store: Store) -> None:
    states = (RunState.QUEUED, RunState.RUNNING, RunState.DONE, RunState.CANCELLED, RunState.FAILED)
    runs = {state: store.create(REQUEST).id for state in states}
    for state, run_id in runs.items():
        store.update(run_id, state=state, owner=DEAD)
    assert set(store.mark_interrupted()) == {runs[RunState.QUEUED], runs[RunState.RUNNING]}
    assert store.get(runs[RunState.DONE]).state == RunState.DONE


@contextmanager
def full_disk(store: Store) -> Iterator[None]:
    """Let SQLite refuse every new page of the database, as on a full disk."""

    def no_more(connection: Any, _record: Any) -> None:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count={pages}")

    event.listen(store._sql, "connect", no_more)
    store._sql.dispose()
    yield
    event.remove(store._sql, "connect", no_more)
    store._sql.dispose()


def test_an_end_that_a_full_disk_delays_holds_here_and_is_written_later(store: Store) -> None:
    run = store.create(REQUEST)
    store.update(run.id, state=RunState.RUNNING)
    reason = "The worker process died. " * 4000
    with full_disk(store):
        with pytest.raises(UserError, match="cannot be written: database or disk is full"):
            store.finish(run.id, RunState.FAILED, error=reason)
        store.end(run.id, RunState.FAILED, reason)
        assert not store.write_ends()
        assert (store.get(run.id).state, store.runs()[0].error) == (RunState.FAILED, reason)
        assert Store(store.root).get(run.id).state == RunState.RUNNING
    assert store.write_ends()
    assert Store(store.root).get(run.id).error == reason


def test_an_end_does_not_replace_another(store: Store) -> None:
    run = store.create(REQUEST)
    store.finish(run.id, RunState.DONE, result=result())
    store.end(run.id, RunState.FAILED, "too late")
    assert store.get(run.id).state == RunState.DONE


def test_a_run_that_a_full_disk_refuses_leaves_no_folder(store: Store) -> None:
    long = REQUEST.model_copy(update={"pick": "ids:" + ",".join(map(str, range(4000)))})
    with full_disk(store), pytest.raises(UserError, match="disk is full"):
        store.create(long)
    assert list((store.root / "runs").iterdir()) == []
