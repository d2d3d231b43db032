"""Continual unlearning: a run after a run after a run."""

import numpy as np
import pytest
from safetensors.torch import load_file

from tests.quick import QUICK
from unlearn_core.artifacts.predictions import EARLIER, FORGET, read_comparison
from unlearn_core.errors import UserError
from unlearn_core.jobs.carry_out import run_forget
from unlearn_core.measuring.attribution.explain import write_attributions
from unlearn_core.measuring.attribution.request import AttributionRequest
from unlearn_core.store.chain import START, weights_before
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.rows import Run, RunState
from unlearn_core.store.runs import Store


def run_after(store: Store, after: str | None, pick: str, method: str = "anchor") -> Run:
    options: dict[str, float | int] = QUICK if method == "anchor" else {}
    run = store.create(ForgetRequest(pick=pick, after=after, method=method, options=options, max_steps=60))
    run_forget(store, run.id)
    return store.get(run.id)


def test_a_chain_reports_every_earlier_set_and_anchor_keeps_it_forgotten(store: Store) -> None:
    first = run_after(store, None, "ids:3,14")
    second = run_after(store, first.id, "ids:800")
    third = run_after(store, second.id, "ids:2500")
    result = third.parsed_result()
    assert result is not None
    assert result.after == second.id
    assert [(one.run, one.ids, one.labels) for one in result.earlier] == [
        (first.id, (3, 14), (0, 0)),
        (second.id, (800,), (1,)),
    ]
    assert [one.after for one in result.earlier] == [0, 0]
    assert (result.k, result.accuracy.forget.after) == (1, 0)
    assert result.accuracy.retain.n == 4000 - 4

    comparison = read_comparison(store.folder(third.id))
    assert comparison.ids[comparison.group == FORGET].tolist() == [2500]
    assert comparison.ids[comparison.group == EARLIER].tolist() == [3, 14, 800]
    start = load_file(store.folder(third.id) / START)
    end_of_second = load_file(store.folder(second.id) / "weights.safetensors")
    assert all((start[name] == end_of_second[name]).all() for name in start)


@pytest.mark.slow
def test_before_in_a_chain_is_the_classifier_that_the_run_started_from(store: Store) -> None:
    first = run_after(store, None, "ids:3")
    second = run_after(store, first.id, "ids:800", "neggrad")
    store.delete(first.id)
    own = np.load(write_attributions(store.root, AttributionRequest.parse(second.id, [3], "saliency")))
    other = run_after(store, None, "ids:800", "neggrad")
    fresh = np.load(write_attributions(store.root, AttributionRequest.parse(other.id, [3], "saliency")))
    assert not np.array_equal(own["before"], fresh["before"])


def test_what_was_forgotten_earlier_cannot_be_picked_again(store: Store) -> None:
    first = run_after(store, None, "ids:3", "neggrad")
    with pytest.raises(UserError, match="no picture 3"):
        run_after(store, first.id, "ids:3", "neggrad")


def test_a_run_without_a_classifier_or_of_another_set_is_one_sentence(store: Store) -> None:
    failed = store.create(ForgetRequest())
    store.finish(failed.id, RunState.FAILED, error="No.")
    done = run_after(store, None, "ids:3", "neggrad")
    for request in (
        ForgetRequest(after="00000000"),
        ForgetRequest(after=failed.id),
        ForgetRequest(after=done.id, images="folder:/tmp"),
    ):
        with pytest.raises(UserError, match=r"\.$"):
            weights_before(store, request)


@pytest.mark.slow
def test_a_run_of_a_chain_can_be_kept_without_the_run_before_it(store: Store) -> None:
    first = run_after(store, None, "ids:3", "neggrad")
    second = run_after(store, first.id, "ids:800", "neggrad")
    store.delete(first.id)
    request = second.parsed_request().model_copy(update={"strength": 0.5})
    kept = store.create(request).id
    run_forget(store, kept, found_by=second.id)
    run, result, before = store.get(kept), store.get(kept).parsed_result(), second.parsed_result()
    assert run.state == RunState.DONE
    assert result is not None
    assert before is not None
    assert [(one.run, one.ids) for one in result.earlier] == [(first.id, (3,))]
    # Points on the way to the whole change say nothing of half of it.
    assert before.frontier
    assert result.frontier == ()


def test_the_example_can_be_continued() -> None:
    assert ForgetRequest.parse(after="example").after == "example"
