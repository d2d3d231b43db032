"""When a silent run counts as hanging, whatever the clock says; and the runs of other servers that ended."""

import os
import time

import pytest

from tests.waiting import wait_until
from unlearn_core.engine.watch import Watch
from unlearn_core.store.processes import this_process
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.rows import RunState
from unlearn_core.store.runs import Store
from unlearn_core.store.sign import sign


def test_a_clock_that_jumps_is_no_silence_and_silence_is(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unlearn_core.engine.watch.SECONDS_BETWEEN_LOOKS", 0.1)
    monkeypatch.setattr("unlearn_core.engine.watch.MOST_SECONDS_ELSE", 4.0)
    run = store.create(ForgetRequest())
    store.update(run.id, state=RunState.RUNNING, phase="optimise")
    sign(store.folder(run.id))
    hanging: list[str] = []
    watch = Watch(store, hanging.append)
    try:
        for jump in (0, 1e5, -1e5, 3e7, -3e7, 0):
            moment = time.time() + jump
            os.utime(store.folder(run.id) / "at_work", (moment, moment))
            time.sleep(0.5)
        assert hanging == []
        wait_until(lambda: bool(hanging))
        assert hanging[0] == run.id
    finally:
        watch.close()


def test_runs_of_another_server_that_ended_are_interrupted(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unlearn_core.engine.watch.SECONDS_BETWEEN_LOOKS", 0.1)
    run = store.create(ForgetRequest())
    watch = Watch(store, lambda _: None)
    try:
        store.update(run.id, state=RunState.RUNNING, owner=this_process() + "0")
        wait_until(lambda: store.get(run.id).state == RunState.INTERRUPTED)
    finally:
        watch.close()
