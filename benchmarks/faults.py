"""What random faults cost: a worker, or the server with its scheduler, is killed while a run is under way.

    python -m benchmarks.faults [--rounds 50] [--seed 0] [--json]

Each round starts a server with a home of its own, lets it forget four digits, and kills a process at a
random moment, or keeps the worker from writing more than a kilobyte to a file, as a full disk would. Then a
new server resumes what was interrupted and runs again what failed, beside a run that had finished before.
*Lost*: a run is no longer there; *damaged*: it cannot be read, or its weights differ from those of a run that
nothing happened to; *not resumable*: it does not end with a result.
"""

import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext, redirect_stdout
from pathlib import Path

import psutil

from benchmarks.running import Case, Result, arguments, carry_out, markdown
from unlearn_core.engine.engine import Engine
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.rows import UNDER_WAY, RunState
from unlearn_core.store.runs import Store

FAULTS = ("worker", "server", "full disk")
SLOWEST = 600.0
"""Seconds until a run must have ended."""
REQUEST = ForgetRequest(pick="random:4", options={"depth": 0, "examples": 16, "deformed": 256}, max_steps=60)
_SERVER = "from benchmarks.faults import serve; serve()"


def serve() -> None:
    """Be a server that carries out one run; print the run's id."""
    engine = Engine(Store())
    print(engine.submit(REQUEST), flush=True)
    time.sleep(2 * SLOWEST)


def measure(case: Case) -> Result:
    """Do one round."""
    chance = random.Random(case["seed"] * 1000 + case["round"])
    fault = FAULTS[case["round"] % len(FAULTS)]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        expected = _undisturbed(home)
        run_id, moment = _disturbed(home, fault, chance)
        store = Store(home)
        found: Result = {"fault": fault, "after": moment, "lost": 0, "damaged": 0, "not_resumable": 0}
        kept = {run.id for run in store.runs()}
        found["lost"] = int(expected[0] not in kept) + int(run_id not in kept)
        ended = _go_on(store, run_id)
        found["not_resumable"] = int(ended is None)
        states = {run.state for run in store.runs()}
        digests = [_digest(store, one) for one in (expected[0], ended) if one is not None]
        wrong = sum(digest != expected[1] for digest in digests)
        found["damaged"] = wrong + int(RunState.DAMAGED in states)
    return found


def _undisturbed(home: Path) -> tuple[str, str]:
    """Return the id of a finished run in the home, and the digest of its weights."""
    from unlearn_core.jobs.carry_out import run_forget

    store = Store(home)
    run_id = store.create(REQUEST).id
    run_forget(store, run_id)
    return run_id, _digest(store, run_id)


def _disturbed(home: Path, fault: str, chance: random.Random) -> tuple[str, float]:
    """Let a server start a run and disturb it; return the run's id and after how many seconds that was."""
    environment = {**os.environ, "UNLEARN_HOME": str(home)}
    with (home / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-c", _SERVER], stdout=subprocess.PIPE, stderr=log, env=environment, text=True
        )
    assert server.stdout is not None
    run_id, start = server.stdout.readline().strip(), time.monotonic()
    store, moment = Store(home), chance.uniform(0, 25)
    while time.monotonic() - start < moment and store.get(run_id).state in UNDER_WAY:
        time.sleep(0.05)
    moment = time.monotonic() - start
    workers = psutil.Process(server.pid).children(recursive=True)
    if fault == "worker":
        chance.choice(workers).kill()
        _wait_for_the_end(store, run_id)
    elif fault == "full disk":
        for worker in workers:
            worker.rlimit(psutil.RLIMIT_FSIZE, (1000, psutil.RLIM_INFINITY))
        _wait_for_the_end(store, run_id)
    server.kill()
    server.wait()
    psutil.wait_procs(workers, 60)
    return run_id, round(moment, 1)


def _go_on(store: Store, run_id: str) -> str | None:
    """Resume a run, or run it again if it failed, in a new server; return the id of the one that was done."""
    engine = Engine(store)
    try:
        state = store.get(run_id).state
        if state == RunState.INTERRUPTED:
            engine.resume(run_id)
        elif state != RunState.DONE:
            run_id = engine.submit(store.get(run_id).parsed_request())
        _wait_for_the_end(store, run_id)
        return run_id if store.get(run_id).state == RunState.DONE else None
    finally:
        engine.close()


def _wait_for_the_end(store: Store, run_id: str) -> None:
    end = time.monotonic() + SLOWEST
    while store.get(run_id).state in UNDER_WAY and time.monotonic() < end:
        time.sleep(0.1)


def _digest(store: Store, run_id: str) -> str:
    weights = store.folder(run_id) / "weights.safetensors"
    return hashlib.sha256(weights.read_bytes()).hexdigest() if weights.exists() else ""


def table(results: list[Result]) -> str:
    """Return the sums as Markdown, by fault."""
    rows = []
    for fault in (*FAULTS, ""):
        same = [result for result in results if fault in ("", result["fault"])]
        sums = [str(sum(result[name] for result in same)) for name in ("lost", "damaged", "not_resumable")]
        rows.append([fault or "all", str(len(same)), *sums])
    return markdown(["killed or filled", "rounds", "lost", "damaged", "not resumable"], rows)


def main() -> None:
    """Do the rounds that are missing and print the table, or the sums with `--json`."""
    parser = arguments(__doc__, "faults")
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    cases = [{"round": number, "seed": asked.seed} for number in range(asked.rounds)]
    with redirect_stdout(sys.stderr) if asked.json else nullcontext():
        carry_out(asked, cases, measure, table)
    if asked.json:
        results = list(json.loads(asked.out.read_text(encoding="utf-8")).values())
        names = ("lost", "damaged", "not_resumable")
        sums = {name: sum(result[name] for result in results) for name in names}
        print(json.dumps({"rounds": len(results), **sums}))


if __name__ == "__main__":
    main()
