"""The bar of a run under way: one for all of it, which only goes forward."""

import pytest

from tests import made
from tests.pages.conftest import OpenApp
from unlearn_core.artifacts.steps import StepRecord, append_step
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.rows import RunState
from unlearn_core.store.runs import Store


@pytest.mark.parametrize(
    ("steps", "share", "words"),
    [
        ([made.step(0, 0, k=8), made.step(2, 1, k=8)], 24, "1 of 8 forgotten · step 2"),
        ([made.step(0, 0, k=8), made.step(2, 4, k=8)], 37, "step 2 · all forgotten in about 2 s"),
        ([made.step(0, 0, k=8), made.step(2, 5, k=8), made.step(3, 4, k=8)], 37, "4 of 8 forgotten · step 3"),
        ([made.step(9, 2, k=2, demanded_share=0.4)], 63, "changed copies are being forgotten too (40%)"),
        ([made.step(9, 2, k=2, demanded_share=1.0)], 74, "changed copies are being forgotten too (99%)"),
        ([made.step(9, 2, k=2)], 55, "2 of 2 forgotten · step 9"),
        (
            [made.step(n, 2, k=2, repairing=n > 9, repair_until=20) for n in range(9, 13)],
            78,
            "repair: restoring the rest, about 8 s",
        ),
        ([made.step(9, 2, k=2, repairing=True)], 90, "repair: restoring the rest"),
    ],
)
def test_the_bar_says_what_is_done_and_how_far(
    open_app: OpenApp, store: Store, steps: list[StepRecord], share: int, words: str
) -> None:
    run = store.create(ForgetRequest(pick="ids:1,2"))
    store.update(run.id, state=RunState.RUNNING, phase="optimise")
    for one in steps:
        append_step(store.folder(run.id), one)
    (bar,) = open_app(run=run.id).get("progress")
    assert bar.proto.value == share
    assert bar.proto.text.endswith(words)
    store.finish(run.id, RunState.CANCELLED)


def test_the_bar_only_goes_forward(open_app: OpenApp, store: Store) -> None:
    run = store.create(ForgetRequest(pick="ids:1,2"))
    store.update(run.id, state=RunState.RUNNING, phase="importance", phase_share=0.5)
    app = open_app(run=run.id)
    shares = [app.get("progress")[0].proto.value]
    store.update(run.id, phase="attack", phase_share=0.0)
    shares.append(app.run().get("progress")[0].proto.value)
    for forgotten in (2, 1):
        append_step(store.folder(run.id), made.step(forgotten, forgotten, k=2))
        shares.append(app.run().get("progress")[0].proto.value)
    assert shares == [17, 17, 55, 55]
    store.finish(run.id, RunState.CANCELLED)
