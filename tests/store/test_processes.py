"""Whether the process that owns a run still runs: by the lock it holds, else by its number."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from unlearn_core.store.processes import is_alive, this_process
from unlearn_core.store.rows import RunState
from unlearn_core.store.runs import Store

OTHER_HOST, OTHER_CONTAINER = "a-machine-elsewhere/1/0.00", f"{socket.gethostname()}/1/0.00"
ELSEWHERE = """
import sys
from unlearn_core.store import processes, rows
for module in (processes, rows):
    module.this_process = lambda: sys.argv[1]
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.runs import Store
print(Store().create(ForgetRequest(pick="ids:3,14")).id, flush=True)
if "leave" not in sys.argv:
    input()
"""


@contextmanager
def elsewhere(how: str = "stay", owner: str = OTHER_HOST) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """Queue a run in a process that says it is on another host; yield the run and the process."""
    command = [sys.executable, "-c", ELSEWHERE, owner, how]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip(), process
        finally:
            process.kill()


def test_a_process_is_known_by_more_than_its_number(store: Store) -> None:
    host, pid, started = this_process().rsplit("/", 2)
    assert is_alive(this_process(), store.root)
    assert not is_alive(f"{host}/{pid}/{started}0", store.root)
    assert not is_alive("no owner", store.root)


@pytest.mark.parametrize("owner", [OTHER_HOST, OTHER_CONTAINER])
@pytest.mark.parametrize("how", ["killed", "leave"])
def test_a_run_of_another_host_is_interrupted_when_its_process_has_ended(
    how: str, owner: str, store: Store
) -> None:
    with elsewhere(how, owner) as (run_id, process):
        if how == "killed":
            assert store.mark_interrupted() == []
            process.kill()
        process.wait()
        assert store.get(run_id).owner == owner
        assert store.mark_interrupted() == [run_id]
    assert store.get(run_id).state == RunState.INTERRUPTED
    assert list((store.root / "processes").iterdir()) == []


def test_nobody_removes_the_lock_of_a_process_that_runs(store: Store) -> None:
    with elsewhere() as (run_id, _):
        for _ in range(3):
            assert Store(store.root).mark_interrupted() == []
        assert is_alive(store.get(run_id).owner, store.root)


def test_a_process_without_a_lock_is_looked_up_by_its_number_on_this_host(store: Store) -> None:
    assert not is_alive(OTHER_CONTAINER, store.root)
    assert not is_alive(OTHER_HOST, store.root)
    assert not (store.root / "processes").exists()
