"""The engine with its real workers: looking, forgetting, cancelling, and workers or servers that die."""

import os
import sys
from pathlib import Path

import psutil
import pytest

from tests.engine.servers import (
    EASY,
    cancel_a_running_and_a_waiting_run,
    start_server,
    wait_for_the_end,
)
from tests.finished import result_of
from tests.waiting import ENDLESS, PATIENCE, wait_until
from unlearn_core.artifacts.image_table import read_image_table
from unlearn_core.engine.engine import Engine
from unlearn_core.engine.looks import ImageTableRequest, NeighbourMapRequest
from unlearn_core.errors import UserError
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.rows import RunState
from unlearn_core.store.runs import Store


def worker_running(engine: Engine, run_id: str) -> psutil.Process:
    """Return the process of the worker that carries out the run, once it is stepping."""

    def is_stepping() -> bool:
        run = engine.store.get(run_id)
        stepping = run.state == RunState.RUNNING and run.steps_done >= 2
        return stepping and bool(workers_of(engine, run_id))

    wait_until(is_stepping)
    return psutil.Process(workers_of(engine, run_id)[0])


def workers_of(engine: Engine, run_id: str) -> list[int]:
    workers, at_work = engine._cluster.client.run(os.getpid), engine._cluster.client.processing()
    return [workers[address] for address, keys in at_work.items() if any(run_id in key for key in keys)]


def look_at_digits(engine: Engine) -> Path:
    look = engine.look(ImageTableRequest("mnist-resnet", "mnist"))
    assert look.wait(PATIENCE)
    return look.result()


def test_looking_gives_a_table_of_all_digits(engine: Engine) -> None:
    table = read_image_table(look_at_digits(engine))
    assert len(table.ids) == 5000
    assert table.is_test.sum() == 1000
    assert (table.predictions == table.labels).mean() > 0.98


def test_a_user_error_crosses_from_the_worker_as_it_is(engine: Engine) -> None:
    look = engine.look(ImageTableRequest("mnist-resnet", "folder:/nowhere"))
    with pytest.raises(UserError, match="There is no folder /nowhere"):
        look.result()


def test_the_same_question_under_way_is_asked_once(engine: Engine) -> None:
    # The one lane for looks has this to do for seconds: what comes after it waits.
    long = engine.look(NeighbourMapRequest("mnist-resnet", "mnist"))
    first = engine.look(ImageTableRequest("mnist-resnet", "folder:/a"))
    other = engine.look(ImageTableRequest("mnist-resnet", "folder:/b"))
    again = engine.look(ImageTableRequest("mnist-resnet", "folder:/a"))
    assert not first.done()
    assert again is first
    assert other is not first
    assert long.wait(PATIENCE)


def test_a_run_is_forgotten_in_the_background_and_kept(engine: Engine) -> None:
    run = wait_for_the_end(engine, engine.submit(EASY, "easy"))
    assert run.state == RunState.DONE, run.error
    result = run.parsed_result()
    assert result is not None
    assert result.accuracy.forget.after == 0
    kept = {path.name for path in engine.store.folder(run.id).iterdir()}
    assert {"weights.safetensors", "predictions.npz", "weight_maps.npz", "steps.jsonl", "snapshots"} <= kept
    assert engine.store.steps(run.id)[-1].forgotten == 2


@pytest.mark.slow
def test_kept_weights_are_not_looked_for_again_when_the_run_goes_on_or_is_carried_out_again(
    engine: Engine,
) -> None:
    whole = wait_for_the_end(engine, engine.submit(EASY)).id
    kept = wait_for_the_end(engine, engine.keep(whole, {"strength": 0.5})).id
    engine.store.update(kept, state=RunState.INTERRUPTED, result=None)
    engine.resume(kept)
    wait_for_the_end(engine, kept)
    again = engine.again(kept)
    wait_for_the_end(engine, again)
    result_of_whole = result_of(engine.store, whole)
    engine.store.delete(whole)
    alone = wait_for_the_end(engine, engine.again(kept)).id
    attack = [result_of(engine.store, one).seconds.attack for one in (kept, again, alone)]
    assert [one == result_of_whole.seconds.attack for one in attack] == [True, True, False]
    assert engine.store.get(again).parsed_request().strength == 0.5


def test_an_impossible_request_leaves_no_run(engine: Engine) -> None:
    before = len(engine.store.runs())
    with pytest.raises(UserError):
        engine.submit(ForgetRequest(method="magic"))
    for impossible in (ForgetRequest(method="magic"), ForgetRequest(after="00000000")):
        with pytest.raises(UserError):
            engine.submit_all([EASY, impossible])
    assert len(engine.store.runs()) == before


def test_a_visitor_gets_all_of_several_runs_or_none(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNLEARN_MAX_UNDER_WAY", "1")
    with pytest.raises(UserError, match="wait for one"):
        engine.submit_all([EASY, EASY], visitor="f" * 16)
    assert engine.store.runs("f" * 16) == []
    (run_id,) = engine.submit_all([EASY], visitor="f" * 16)
    assert wait_for_the_end(engine, run_id).state == RunState.DONE


def test_what_only_the_worker_can_know_fails_with_one_sentence(engine: Engine) -> None:
    run = wait_for_the_end(engine, engine.submit(ForgetRequest(pick="random:4001")))
    assert run.state == RunState.FAILED
    assert run.error == "The pick asks for 4001 pictures, but there are only 4000."


def test_a_running_and_a_waiting_run_are_cancelled(engine: Engine) -> None:
    waiting = cancel_a_running_and_a_waiting_run(engine, ENDLESS)
    assert engine.store.get(waiting).started is None


@pytest.mark.slow
def test_a_run_goes_on_when_its_worker_is_killed_but_not_for_ever(engine: Engine) -> None:
    run_id, waiting = engine.submit(ENDLESS), engine.submit(EASY)
    killed: set[int] = set()
    for _ in range(3):
        wait_until(lambda: worker_running(engine, run_id).pid not in killed)
        worker = worker_running(engine, run_id)
        killed.add(worker.pid)
        worker.kill()
        worker.wait()
    run = wait_for_the_end(engine, run_id)
    assert run.state == RunState.FAILED
    assert run.error is not None
    assert "worker process died" in run.error
    assert look_at_digits(engine).exists()
    after = wait_for_the_end(engine, waiting)
    assert after.state == RunState.DONE, after.error


@pytest.mark.skipif(sys.platform != "linux", reason="limits the file size of another process")
def test_a_worker_that_can_write_nothing_more_fails_its_run(engine: Engine) -> None:
    run_id = engine.submit(ENDLESS)
    worker = worker_running(engine, run_id)
    unlimited = worker.rlimit(psutil.RLIMIT_FSIZE)
    worker.rlimit(psutil.RLIMIT_FSIZE, (1000, unlimited[1]))
    try:
        run = wait_for_the_end(engine, run_id)
    finally:
        worker.rlimit(psutil.RLIMIT_FSIZE, unlimited)
    assert run.state == RunState.FAILED
    assert run.error is not None
    assert "could not be saved" in run.error or "cannot be written" in run.error
    engine.store.delete(run_id)
    after = wait_for_the_end(engine, engine.submit(EASY))
    assert after.state == RunState.DONE, after.error


def test_a_killed_server_leaves_an_interrupted_run_that_can_run_again(tmp_path: Path) -> None:
    root = tmp_path / "home"
    server, run_id = start_server(tmp_path, root)
    store = Store(root)
    wait_until(lambda: store.get(run_id).steps_done >= 2)
    children = psutil.Process(server.pid).children(recursive=True)
    server.kill()
    server.wait()
    psutil.wait_procs(children, PATIENCE)
    assert not any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in children)
    assert store.mark_interrupted() == [run_id]
    assert store.get(run_id).state == RunState.INTERRUPTED
    assert store.get(run_id).parsed_request().max_steps == 100_000


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot stop a process for a while")
def test_a_worker_that_hangs_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unlearn_core.engine.watch.SECONDS_BETWEEN_LOOKS", 0.5)
    engine = Engine(Store(tmp_path / "home"))
    try:
        run_id = engine.submit(ENDLESS)
        hanging = worker_running(engine, run_id)
        hanging.suspend()
        # No longer: a busy machine may be as silent for as long.
        with monkeypatch.context() as patch:
            patch.setattr("unlearn_core.engine.watch.MOST_SECONDS_ELSE", 10.0)
            hanging.wait(PATIENCE)
        wait_until(lambda: worker_running(engine, run_id).pid != hanging.pid)
        engine.cancel(run_id)
        assert wait_for_the_end(engine, run_id).state == RunState.CANCELLED
    finally:
        engine.close()
