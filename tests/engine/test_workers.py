"""What surrounds the engine's workers: their environment, who reaches them, and how they end."""

import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.waiting import ENDLESS, PATIENCE, wait_until
from unlearn_core.engine.engine import Engine
from unlearn_core.engine.looks import ImageTableRequest
from unlearn_core.store.rows import RunState
from unlearn_core.store.runs import Store


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    monkeypatch.setenv("KMP_BLOCKTIME", "7")
    engine = Engine(Store(tmp_path / "home"))
    yield engine
    engine.close()


def test_workers_wait_patiently_unless_the_user_says_otherwise(engine: Engine) -> None:
    pids = engine._cluster.client.run(os.getpid).values()
    assert len(pids) == 2
    for pid in pids:
        # As the process was started, before it loaded anything.
        began_with = psutil.Process(pid).environ()
        assert began_with["OMP_WAIT_POLICY"] == "passive"
        assert began_with["KMP_BLOCKTIME"] == "7"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere threads have no niceness of their own")
def test_workers_give_way_to_the_server_once(engine: Engine) -> None:
    for _ in range(2):
        look = engine.look(ImageTableRequest("mnist-resnet", "mnist"))
        assert look.wait(PATIENCE)
    pids = list(engine._cluster.client.run(os.getpid).values())

    def niceness(pid: int) -> set[int]:
        # Linux has one for each thread: those that talk to the scheduler do not wait.
        found = set()
        for thread in psutil.Process(pid).threads():
            with suppress(ProcessLookupError):  # It may have ended meanwhile.
                found.add(os.getpriority(os.PRIO_PROCESS, thread.id))
        return found

    own = psutil.Process().nice()
    # The other lane begins by itself.
    wait_until(lambda: all(niceness(pid) == {own, min(19, own + 10)} for pid in pids))


def test_closing_interrupts_runs_under_way_and_ends_the_workers(tmp_path: Path) -> None:
    engine = Engine(Store(tmp_path / "home"))
    run_id = engine.submit(ENDLESS)
    wait_until(lambda: engine.store.get(run_id).steps_done >= 2)
    workers = [psutil.Process(pid) for pid in engine._cluster.client.run(os.getpid).values()]
    engine.close()
    run = engine.store.get(run_id)
    assert run.state == RunState.INTERRUPTED
    assert run.error == "The program was closed before this run ended."
    psutil.wait_procs(workers, PATIENCE)
    assert not any(worker.is_running() for worker in workers)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such rights")
def test_the_home_of_the_store_is_private(tmp_path: Path) -> None:
    home = tmp_path / "readable"
    home.mkdir(mode=0o755)
    Store(home)
    assert home.stat().st_mode & 0o777 == 0o700
