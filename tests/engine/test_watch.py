"""When a silent run counts as hanging: looks are counted, whatever the clock says."""

import os
import time

import pytest

from unlearn_core.engine.watch import Watch
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.rows import RunState
from unlearn_core.store.runs import Store
from unlearn_core.store.sign import sign


def test_a_clock_that_jumps_is_no_silence_and_silence_is(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unlearn_core.engine.watch.SECONDS_BETWEEN_LOOKS", 0.1)
    monkeypatch.setattr("unlearn_core.engine.watch.MOST_SECONDS_ELSE", 1.5)
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
        deadline = time.monotonic() + 60
        while not hanging and time.monotonic() < deadline:
            time.sleep(0.1)
        assert hanging[0] == run.id
    finally:
        watch.close()
