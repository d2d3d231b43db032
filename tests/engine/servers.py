"""Servers in processes of their own, and runs in engines, for tests of both."""

import os
import subprocess
import sys
from pathlib import Path

from tests.quick import QUICK
from tests.waiting import wait_until
from unlearn_core.engine.engine import Engine
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.rows import UNDER_WAY, Run, RunState

EASY = ForgetRequest(pick="hardest:2", options=QUICK)

SERVER = """
import sys, time
from pathlib import Path
from unlearn_core.engine.engine import Engine
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.runs import Store

if __name__ == "__main__":
    engine = Engine(Store(Path(sys.argv[1])))
    request = ForgetRequest(
        pick="random:4", method="neggrad", options={"learning_rate": 1e-6}, max_steps=100_000
    )
    print(engine.submit(request), flush=True)
    time.sleep(1000)
"""


def start_server(tmp_path: Path, root: Path) -> tuple["subprocess.Popen[str]", str]:
    """Start a server with a home of its own; return its process, and a run that does not end."""
    script = tmp_path / "server.py"
    script.write_text(SERVER, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    server = subprocess.Popen(
        [sys.executable, str(script), str(root)], stdout=subprocess.PIPE, text=True, env=environment
    )
    assert server.stdout is not None
    return server, server.stdout.readline().strip()


def wait_for_the_end(engine: Engine, run_id: str) -> Run:
    wait_until(lambda: engine.store.get(run_id).state not in UNDER_WAY)
    return engine.store.get(run_id)


def cancel_a_running_and_a_waiting_run(engine: Engine, request: ForgetRequest) -> str:
    """Cancel a run of a request that does not end soon, and one that waits behind it; return the latter."""
    running, waiting = engine.submit(request), engine.submit(request)
    wait_until(lambda: engine.store.get(running).steps_done >= 2)
    engine.cancel(waiting)
    assert engine.store.get(waiting).state == RunState.CANCELLED
    engine.cancel(running)
    run = wait_for_the_end(engine, running)
    assert run.state == RunState.CANCELLED
    result = run.parsed_result()
    assert result is not None
    assert result.stopped == "cancelled"
    return waiting
