"""Before / after, Weights, Attributions and Runs: empty store, running, finished and failed run."""

import json
import re
from collections import Counter

import pytest
from streamlit.testing.v1 import AppTest

from tests.pages.conftest import Finished, OpenApp
from tests.pages.words_of import words_of
from tests.quick import QUICK
from tests.waiting import wait_until
from unlearn_core.jobs.carry_out import run_forget
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.rows import RunState
from unlearn_core.store.runs import Store

LOOKING = (
    "pages/before_after/before_after.py",
    "pages/weights/weights.py",
    "pages/attributions/attributions.py",
    "pages/replay/replay.py",
)
ALL = (*LOOKING, "pages/compare/compare.py", "pages/runs/runs.py")


@pytest.mark.parametrize("page", ALL)
def test_an_empty_store_says_what_to_do_next(open_app: OpenApp, page: str) -> None:
    assert "Nothing has been forgotten yet" in words_of(open_app(page))


@pytest.mark.parametrize("page", LOOKING)
def test_a_running_run_shows_its_progress(open_app: OpenApp, store: Store, page: str) -> None:
    run = store.create(ForgetRequest(pick="ids:1,2"))
    store.update(run.id, state=RunState.RUNNING, phase="attack")
    assert open_app(page, run.id).button(key="cancel")


@pytest.mark.parametrize("page", LOOKING)
def test_a_failed_run_says_why(open_app: OpenApp, store: Store, page: str) -> None:
    run = store.create(ForgetRequest(pick="ids:1,2"))
    store.finish(run.id, RunState.FAILED, error="The worker process died.")
    assert "The worker process died." in words_of(open_app(page, run.id))


@pytest.mark.slow
def test_a_run_that_goes_on_from_another_is_shown_whole(
    open_app: OpenApp, store: Store, finished: Finished
) -> None:
    first = finished(store)
    run = store.create(ForgetRequest(pick="ids:800", after=first.id, options=QUICK))
    run_forget(store, run.id)
    for page in LOOKING:
        app = open_app(page, run.id)
        assert not app.error
    assert "forgotten by earlier runs" in words_of(open_app(run=run.id))
    app = open_app("pages/attributions/attributions.py", run.id)
    earlier = store.get(first.id).parsed_result()
    assert earlier is not None
    app.query_params["pictures"] = str(earlier.ids[0])
    app.run()
    assert not app.error
    assert not app.exception


def test_before_and_after_in_numbers(open_app: OpenApp, store: Store, finished: Finished) -> None:
    run = finished(store)
    app = open_app("pages/before_after/before_after.py", run.id)
    forget, retain, test = (one for one in app.metric if "never trained" not in one.label)
    assert forget.value == "50 → 0"
    assert "±" in retain.delta
    # What may be chance is neither better nor worse, on each page.
    panel = [one.proto.color for one in open_app(run=run.id).metric]
    assert panel == [one.proto.color for one in (forget, retain, test)]
    assert test.label == "Never seen (D_test)"
    assert [tab.label.split(" · ")[0] for tab in app.tabs] == [
        "Forgotten",
        "Kept, changed",
        "Never seen, changed",
    ]


def test_weights_offer_every_layer(open_app: OpenApp, store: Store, finished: Finished) -> None:
    app = open_app("pages/weights/weights.py", finished(store).id)
    layers = app.selectbox[1]
    assert len(layers.options) > 10
    layers.select_index(0).run()
    assert not app.exception
    assert app.metric[0].label == "Rank correlation"
    app.toggle(key="contrast").set_value(True).run()
    assert not app.exception
    for drawn in ("importance", "change"):
        app.segmented_control(key="drawn").set_value(drawn).run()
        assert not app.exception
    app.segmented_control(key="filters").set_value("one filter").run()
    assert not app.exception
    assert not app.error
    assert "weights that matter much to the pictures to forget changed" in words_of(app)
    assert "If only this filter's change is undone" in words_of(app)


def test_weights_after_any_two_runs_are_compared(open_app: OpenApp, store: Store, finished: Finished) -> None:
    runs = [finished(store), finished(store)]
    app = open_app("pages/weights/weights.py", runs[0].id)
    assert "changed most" in words_of(app)
    against = app.selectbox(key="against")
    assert len(against.options) == 2
    against.set_value(f"run:{runs[1].id}").run()
    assert not app.error
    # Both are copies of one run.
    assert "No weight differs." in words_of(app)


def most_common_picture(app: AppTest) -> int:
    """Return how often the most frequent picture stands on a page."""
    html = "".join(one.proto.body for one in app.get("html"))
    return max(Counter(re.findall(r'src="([^"]*)"', html)).values())


def test_attributions_with_every_control(open_app: OpenApp, store: Store, finished: Finished) -> None:
    app = open_app("pages/attributions/attributions.py", finished(store).id)
    assert not app.error
    html = "".join(one.proto.body for one in app.get("html"))
    assert "orange: " in html
    assert "(kept " in html
    assert "now" in words_of(app)
    assert "kept" in words_of(app)
    app.multiselect(key="algorithms").set_value(["layer-gradcam", "deeplift"]).run()
    app.toggle(key="trust").set_value(True).run()
    app.toggle(key="sanity").set_value(True).run()
    assert "Do these maps depend on the weights?" in words_of(app)
    app.selectbox(key="target").select("3").run()
    app.selectbox(key="against").select("8").run()
    html = "".join(one.proto.body for one in app.get("html"))
    assert "orange: says 3 rather than 8" in html
    assert "decisive tenth before" in html
    app.toggle(key="sanity").set_value(False).run()
    app.button(key="flip").click().run()
    # Every picture stands in place of its three maps by either algorithm.
    assert most_common_picture(app) == 7
    app.button(key="flip").click().run()
    assert most_common_picture(app) < 7
    app.selectbox(key="target").select("new").run()
    app.query_params["pictures"] = "3, 14"
    app.run()
    app.selectbox(key="baseline").select("white").run()
    assert any("convergence delta" in one.proto.body for one in app.get("html"))
    assert not app.exception
    assert not app.error
    for bad in ("three", "99999"):
        app.query_params["pictures"] = bad
        app.run()
        assert len(app.error) == 1
        assert not app.exception
        app.run()
        assert not app.error


def test_a_damaged_run_is_one_sentence_and_the_others_stay(
    open_app: OpenApp, store: Store, finished: Finished
) -> None:
    whole, damaged = finished(store), finished(store)
    for name in ("predictions.npz", "weight_maps.npz", "weights.safetensors"):
        (store.folder(damaged.id) / name).write_bytes(b"damaged")
    for page in LOOKING:
        assert len(open_app(page, damaged.id).error) == 1
        assert not open_app(page, whole.id).error
    assert len(open_app("pages/runs/runs.py").dataframe[0].value) == 2


@pytest.mark.parametrize("page", ALL)
def test_an_unknown_run_is_one_sentence(open_app: OpenApp, store: Store, page: str) -> None:
    run = store.create(ForgetRequest())
    store.finish(run.id, RunState.CANCELLED)
    app = open_app(page, "00000000")
    assert [error.value for error in app.error] == ["There is no run 00000000."]


def test_no_other_run_takes_the_place_of_an_unknown_one(
    open_app: OpenApp, store: Store, finished: Finished
) -> None:
    run = finished(store)
    app = open_app("pages/before_after/before_after.py", "00000000")
    assert not app.metric
    assert "run" not in app.query_params or app.query_params["run"] == "00000000"
    app.selectbox(key="chosen_run").select_index(0).run()
    assert not app.exception
    assert not app.error
    assert app.metric
    assert app.query_params["run"] == run.id


def test_a_point_of_the_dial_shows_no_step_of_the_whole_way(
    open_app: OpenApp, store: Store, finished: Finished
) -> None:
    run = finished(store)
    store.update(run.id, request=run.parsed_request().model_copy(update={"strength": 0.75}).model_dump_json())
    app = open_app(run=run.id)
    assert "Percentage that is recognised" not in words_of(app)
    assert not app.error
    other = finished(store)
    app = open_app("pages/compare/compare.py")
    app.multiselect(key="runs").set_value([run.id, other.id]).run()
    assert app.dataframe[0].value["ended"].tolist() == ["75% of the way", "forgotten"]


def test_before_and_after_can_be_looked_at_closer(
    open_app: OpenApp, store: Store, finished: Finished
) -> None:
    app = open_app("pages/before_after/before_after.py", finished(store).id)
    for look in ("transitions", "confidence", "map", "layers"):
        app.pills(key="look").set_value(look).run()
        assert not app.exception
        assert not app.error
    app.toggle(key="nearest").set_value(True).run()
    assert not app.exception


def test_replay_has_a_film_and_a_dial_whose_point_becomes_a_run(
    open_app: OpenApp, store: Store, finished: Finished
) -> None:
    run = finished(store)
    app = open_app("pages/replay/replay.py", run.id)
    assert not app.error
    steps = app.select_slider(key="step").options
    # The ends come first, the frames between after them; each is drawn in its place.
    drawn = json.loads(app.get("plotly_chart")[0].proto.spec)
    assert [frame["name"] for frame in drawn["frames"]] == steps
    assert len(app.session_state["parts"][1]) == len(steps) - 2
    app.select_slider(key="step").set_value(steps[0]).run()
    assert not app.exception
    app.segmented_control(key="view").set_value("dial").run()
    assert app.button(key="keep").disabled
    # Before and after come first, the points between and beyond after them.
    assert sorted(app.session_state["parts"][1]) == [share / 20 for share in range(1, 31) if share != 20]
    app.slider(key="far").set_value(50).run()
    app.button(key="keep").click().run()
    assert not app.exception
    kept = store.runs()[0]
    assert kept.id != run.id
    assert kept.parsed_request().strength == 0.5
    assert kept.parsed_request().pick == run.parsed_request().pick
    wait_until(lambda: store.get(kept.id).state == RunState.DONE)
    assert [one.step for one in store.steps(kept.id)] == [one.step for one in store.steps(run.id)]
