from datetime import UTC, datetime, timedelta

from unlearn_core.store.queue import ahead_of, seconds_to_wait, turn
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.rows import RunState
from unlearn_core.store.runs import Store

ANNA, BEN = "a" * 16, "b" * 16


def test_visitors_take_turns(store: Store) -> None:
    annas = [store.create(ForgetRequest(), visitor=ANNA) for _ in range(3)]
    bens = [store.create(ForgetRequest(), visitor=BEN) for _ in range(2)]
    everyone = store.runs()
    assert [turn(run, everyone) for run in (*annas, *bens)] == [0, 1, 2, 0, 1]
    assert [ahead_of(run, everyone) for run in (*annas, *bens)] == [0, 2, 4, 1, 3]
    store.update(annas[1].id, state=RunState.RUNNING)
    store.finish(annas[0].id, RunState.DONE)
    everyone = store.runs()
    assert ahead_of(annas[1], everyone) == 0
    assert [ahead_of(run, everyone) for run in (bens[0], annas[2], bens[1])] == [1, 2, 3]


def test_the_time_of_an_interrupted_attempt_is_not_waited_for(store: Store) -> None:
    run = store.create(ForgetRequest())
    store.update(run.id, state=RunState.RUNNING, started=datetime.now(UTC) - timedelta(days=3))
    store.finish(run.id, RunState.INTERRUPTED)
    store.queue_again(run.id)
    store.update(run.id, state=RunState.RUNNING, started=datetime.now(UTC))
    store.finish(run.id, RunState.DONE)
    store.create(ForgetRequest())
    last = store.create(ForgetRequest())
    assert ahead_of(store.get(last.id), store.runs()) == 1
    seconds = seconds_to_wait(store.get(last.id), store.runs())
    assert seconds is not None
    assert seconds < 3600
