"""Two servers on one home, of which one stops for a while: both work, and none ends what the other does."""

import signal
import sqlite3
import sys
import time
from contextlib import closing, suppress
from pathlib import Path

import psutil
import pytest

from tests.engine.servers import EASY, start_server, wait_for_the_end
from tests.waiting import PATIENCE, wait_until
from unlearn_core.engine.engine import Engine
from unlearn_core.store.database import DATABASE
from unlearn_core.store.rows import RunState
from unlearn_core.store.runs import Store

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot stop a process for a while")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def stop_between_writes(processes: list[psutil.Process], home: Path) -> None:
    """Stop processes; one that is stopped while it writes would keep SQLite's lock."""
    while True:
        for one in processes:
            one.send_signal(signal.SIGSTOP)
        with (
            closing(sqlite3.connect(home / DATABASE, timeout=1)) as database,
            suppress(sqlite3.OperationalError),
        ):
            database.execute("BEGIN IMMEDIATE")
            return
        for one in processes:
            one.send_signal(signal.SIGCONT)
        time.sleep(0.05)


@pytest.mark.slow
def test_both_work_and_one_may_stop_for_a_while(tmp_path: Path, home: Path) -> None:
    server, run_id = start_server(tmp_path, home)
    store = Store(home)
    wait_until(lambda: store.get(run_id).steps_done >= 2)
    processes = [psutil.Process(server.pid), *psutil.Process(server.pid).children(recursive=True)]
    engine = Engine(store)
    try:
        own = engine.submit(EASY)
        stop_between_writes(processes, home)
        assert store.mark_interrupted() == []
        after = wait_for_the_end(engine, own)
        assert after.state == RunState.DONE, after.error
        stopped_at = store.get(run_id).steps_done
        for one in processes:
            one.send_signal(signal.SIGCONT)
        wait_until(lambda: store.get(run_id).steps_done > stopped_at + 2)
        assert store.get(run_id).state == RunState.RUNNING
        # Whichever server is asked, the one that has the run cancels it.
        engine.cancel(run_id)
        assert wait_for_the_end(engine, run_id).state == RunState.CANCELLED
        assert {run.id for run in store.runs()} == {run_id, own}
    finally:
        for one in processes:
            # Also those that are still stopped.
            with suppress(psutil.NoSuchProcess):
                one.kill()
        server.wait()
        engine.close()
        psutil.wait_procs(processes, PATIENCE)
