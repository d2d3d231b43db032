"""The engine prepares a run that may follow, and gives that up for whatever else is asked."""

from pathlib import Path

import pytest

from tests.engine.servers import EASY, wait_for_the_end
from tests.waiting import ENDLESS, wait_until
from unlearn_core.artifacts.look_alikes import LookAlikes
from unlearn_core.engine.engine import Engine
from unlearn_core.engine.pending import Look
from unlearn_core.errors import UserError
from unlearn_core.jobs import prepared
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.rows import RunState
from unlearn_core.store.runs import Store

LONG = EASY.model_copy(update={"options": {"examples": 100_000, "attack_iterations": 1000}})


def number_kept(engine: Engine) -> int:
    def count() -> int:
        return len(prepared._last)

    return sum(engine._cluster.client.run(count).values())


def wanted(engine: Engine) -> list[Path]:
    return list((engine.store.root / "workers").glob("preparing-*"))


def prepared_by(engine: Engine, request: ForgetRequest) -> Look[LookAlikes | None]:
    """Prepare a request as soon as the engine knows that the run before has ended."""
    wait_until(lambda: engine.prepare(request) is not None)
    look = engine.prepare(request)
    assert look is not None
    return look


def test_a_run_uses_what_was_prepared(engine: Engine) -> None:
    look = engine.prepare(EASY)
    assert look is not None
    assert engine.prepare(EASY) is look
    made = look.result()
    assert made is not None
    assert made.total > len(made.pictures) > 0
    assert number_kept(engine) == 1
    assert not wanted(engine)
    assert wait_for_the_end(engine, engine.submit(EASY)).state == RunState.DONE
    assert number_kept(engine) == 0
    wait_until(lambda: engine.prepare(EASY) is not None)
    assert engine.prepare(EASY) is not look


def test_only_the_last_pick_is_prepared(engine: Engine) -> None:
    first, second = engine.prepare(LONG), engine.prepare(EASY)
    assert first is not None
    assert second is not None
    assert second.result() is not None
    assert first.result() is None
    assert number_kept(engine) == 1


def test_a_run_does_not_wait_for_another_preparation(engine: Engine) -> None:
    given_up = prepared_by(engine, LONG)
    run = wait_for_the_end(engine, engine.submit(EASY))
    assert run.state == RunState.DONE, run.error
    assert given_up.result() is None


def test_nothing_is_prepared_while_a_run_is_under_way(engine: Engine) -> None:
    run_id = engine.submit(ENDLESS)
    assert engine.prepare(EASY) is None
    engine.cancel(run_id)
    wait_for_the_end(engine, run_id)


def test_what_cannot_be_prepared_says_why(engine: Engine) -> None:
    look = engine.prepare(ForgetRequest(pick="random:4001"))
    assert look is not None
    with pytest.raises(UserError, match="there are only 4000"):
        look.result()
    assert not wanted(engine)


def test_a_shared_server_prepares_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNLEARN_SHARED", "1")
    engine = Engine(Store(tmp_path / "home"))
    try:
        assert engine.prepare(EASY) is None
    finally:
        engine.close()


def test_a_run_that_is_asked_for_meanwhile_waits_and_uses_it(engine: Engine) -> None:
    slow = EASY.model_copy(update={"options": {**EASY.options, "examples": 1000, "attack_iterations": 20}})
    look = prepared_by(engine, slow)
    run_id = engine.submit(slow)
    wait_until(lambda: engine.store.get(run_id).phase == "attack")
    assert engine.store.get(run_id).state == RunState.QUEUED
    run = wait_for_the_end(engine, run_id)
    assert run.state == RunState.DONE, run.error
    made = look.result()
    assert made is not None
    assert made.total > 1000
    assert not wanted(engine)
    assert number_kept(engine) == 0
    assert engine.store.get(run_id).phase == "keep"


def test_a_run_that_is_cancelled_while_it_waits_ends_its_preparation(engine: Engine) -> None:
    look = prepared_by(engine, LONG)
    run_id = engine.submit(LONG)
    wait_until(lambda: engine.store.get(run_id).phase == "attack")
    engine.cancel(run_id)
    after = wait_for_the_end(engine, engine.submit(EASY))
    assert after.state == RunState.DONE, after.error
    assert engine.store.get(run_id).state == RunState.CANCELLED
    assert look.result() is None


def test_what_nobody_wants_any_longer_ends(engine: Engine) -> None:
    look = prepared_by(engine, LONG)
    engine.give_up(look)
    assert look.result() is None
    assert not wanted(engine)


def test_what_failed_or_was_given_up_is_prepared_when_it_is_asked_for_again(engine: Engine) -> None:
    wrong = ForgetRequest(pick="random:4001")
    first = engine.prepare(wrong)
    assert first is not None
    with pytest.raises(UserError):
        first.result()
    assert engine.prepare(wrong) is not first
    given_up = engine.prepare(LONG)
    assert given_up is not None
    wanted(engine)[0].unlink()
    assert given_up.result() is None
    assert engine.prepare(LONG) is not given_up


def test_a_server_leaves_no_file_and_removes_those_of_one_that_was_killed(tmp_path: Path) -> None:
    old = tmp_path / "home" / "workers" / "preparing-old"
    old.parent.mkdir(parents=True)
    old.touch()
    engine = Engine(Store(tmp_path / "home"))
    try:
        assert not old.exists()
        assert engine.prepare(LONG) is not None
        assert len(wanted(engine)) == 1
    finally:
        engine.close()
    assert not wanted(engine)
