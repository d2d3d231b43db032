"""A run whose worker dies goes on from its last checkpoint, and ends exactly like one that went through."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

from tests.quick import QUICK
from unlearn_core.forgetting.loop import is_snapshot_step
from unlearn_core.forgetting.step import Step
from unlearn_core.jobs import store_report
from unlearn_core.jobs.carry_out import run_forget
from unlearn_core.jobs.store_report import StoreReport
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.rows import RunState
from unlearn_core.store.run_file import CHECKPOINT
from unlearn_core.store.runs import Store
from unlearn_core.store.snapshots import snapshot_steps

FIRM = ForgetRequest(pick="ids:3,14", options={**QUICK, "depth": 1, "settling": 0.5}, max_steps=40)
NEGGRAD = ForgetRequest(pick="ids:3,14", method="neggrad", options={"learning_rate": 1e-6}, max_steps=14)
RETRAIN = ForgetRequest(pick="ids:3", method="retrain", retained=64, max_steps=14)
SHORT = NEGGRAD.model_copy(update={"max_steps": 12})
DIES_AFTER = 11


class _DeadError(BaseException):
    """Ends a run as a killed process does: nothing of it is recorded."""


def dies(step: Step) -> None:
    if step.step == DIES_AFTER:
        raise _DeadError


@pytest.fixture(autouse=True)
def at_every_snapshot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_report, "SECONDS_BETWEEN", 0.0)


def files_of(folder: Path) -> dict[str, bytes]:
    kept = [folder / "weights.safetensors", *sorted((folder / "snapshots").iterdir())]
    return {str(path.relative_to(folder)): path.read_bytes() for path in kept}


def numbers_of(store: Store, run_id: str) -> list[dict[str, object]]:
    return [{**asdict(step), "seconds": None} for step in store.steps(run_id)]


def broken_off(
    store: Store,
    request: ForgetRequest,
    harm: Callable[[Path], object] = lambda path: None,
    on_step: Callable[[Step], None] = dies,
) -> str:
    """Return a run that ended as if its process had been killed, and then been taken up again."""
    run_id = store.create(request).id
    with pytest.raises(_DeadError):
        run_forget(store, run_id, on_step=on_step)
    assert store.get(run_id).state == RunState.RUNNING
    harm(store.folder(run_id))
    run_forget(store, run_id)
    return run_id


@pytest.mark.parametrize("request_", [FIRM, NEGGRAD, RETRAIN], ids=lambda request: request.method)
def test_it_ends_exactly_like_one_that_went_through(store: Store, request_: ForgetRequest) -> None:
    through = store.create(request_).id
    run_forget(store, through)
    resumed = broken_off(store, request_)
    assert files_of(store.folder(resumed)) == files_of(store.folder(through))
    assert numbers_of(store, resumed) == numbers_of(store, through)
    first, second = (store.get(run_id).parsed_result() for run_id in (through, resumed))
    assert first is not None
    assert second is not None
    assert second.model_copy(update={"run": first.run, "seconds": first.seconds}) == first
    seconds = [step.seconds for step in store.steps(resumed)]
    assert seconds == sorted(seconds)
    assert not (store.folder(resumed) / CHECKPOINT).exists()


def test_it_goes_on_in_the_repair_phase_too(store: Store) -> None:
    """With more than ten weights, whose places a file has in the order of text."""
    saved: list[int] = []

    def dies_in_repair(step: Step) -> None:
        if step.repairing and saved:
            raise _DeadError
        if step.repairing and is_snapshot_step(step.step):
            saved.append(step.step)

    request = FIRM.model_copy(update={"options": {**QUICK, "settling": 2}})
    through = store.create(request).id
    run_forget(store, through)
    resumed = broken_off(store, request, on_step=dies_in_repair)
    assert saved
    assert files_of(store.folder(resumed)) == files_of(store.folder(through))
    assert numbers_of(store, resumed) == numbers_of(store, through)


def test_one_that_is_cancelled_before_it_goes_on_keeps_its_steps(store: Store) -> None:
    run_id = store.create(FIRM).id
    with pytest.raises(_DeadError):
        run_forget(store, run_id, on_step=dies)

    def cancels(_: StoreReport, name: str) -> None:
        if name == "attack":
            store.request_cancel(run_id)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(StoreReport, "phase", cancels)
        run_forget(store, run_id)
    run = store.get(run_id)
    result = run.parsed_result()
    assert run.state == RunState.CANCELLED
    assert result is not None
    assert result.steps == len(store.steps(run_id)) - 1 == DIES_AFTER - 1


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize(
    "harm",
    [
        lambda folder: _cut(folder / CHECKPOINT),
        lambda folder: _cut(folder / "steps.jsonl"),
        lambda folder: _cut(folder / "snapshots" / "4.npz"),
    ],
    ids=["checkpoint", "steps", "snapshot"],
)
def test_what_cannot_be_used_is_made_anew(store: Store, harm: Callable[[Path], object]) -> None:
    resumed = broken_off(store, SHORT, harm)
    assert store.get(resumed).state == RunState.DONE
    assert [step.step for step in store.steps(resumed)] == list(range(SHORT.max_steps + 1))
    assert snapshot_steps(store.folder(resumed) / "snapshots") == [*range(9), 10, 12]
