"""The Forget page: empty, running, finished, failed."""

import pytest
from streamlit.testing.v1 import AppTest

from pages.shared import app_state
from tests import made
from tests.finished import FinishedRun
from tests.pages.conftest import PATIENCE, ROOT, OpenApp
from tests.pages.words_of import words_of
from tests.waiting import wait_until
from unlearn_core.artifacts.steps import append_step
from unlearn_core.engine.engine import Engine
from unlearn_core.store.example import EXAMPLE
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.rows import RunState
from unlearn_core.store.runs import Store


def test_an_empty_store_says_what_to_do(open_app: OpenApp) -> None:
    app = open_app()
    assert app.button(key="forget").disabled
    assert "Click the pictures to forget" in words_of(app)
    assert app.selectbox(key="classifier").value == "mnist-resnet"


def test_the_page_says_how_many_are_recognised_before(open_app: OpenApp) -> None:
    assert "Recognised before anything is forgotten: 3,999 of 4,000." in words_of(open_app())


@pytest.mark.parametrize(
    ("link", "sentence"),
    [
        ({"classifier": "gone"}, "The link names a classifier that is not here."),
        ({"classifier": "gone", "images": "gone"}, "The link names a classifier that is not here."),
        ({"images": "gone"}, "The link names pictures that are not here."),
        ({"classifier": "Photos · EfficientNet-Lite0", "images": "5,000 handwritten digits"}, "pictures"),
    ],
)
@pytest.mark.usefixtures("store")
def test_a_link_to_what_is_not_here_says_so_once(link: dict[str, str], sentence: str) -> None:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=PATIENCE)
    app.session_state["drawn"] = True
    for key, value in link.items():
        app.query_params[key] = value
    app.run()
    assert [sentence in error.value for error in app.error] == [True]
    assert not app.exception
    app.button(key="quick_hardest").click().run()
    assert not app.error


@pytest.mark.usefixtures("store")
def test_a_link_to_a_classifier_opens_it() -> None:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=PATIENCE)
    app.query_params["classifier"] = "Photos · EfficientNet-Lite0"
    app.run()
    assert not app.error
    assert app.selectbox(key="classifier").value == "imagenet-efficientnet-lite0"


def test_a_home_without_the_example_can_have_it(open_app: OpenApp, store: Store) -> None:
    assert not store.runs()
    app = open_app()
    app.button(key="get_example").click().run()
    assert not app.exception
    assert app.query_params["run"] == EXAMPLE
    assert "Here it forgot sixteen of them" in words_of(app)
    store.delete(EXAMPLE)


def test_a_quick_pick_fills_the_button(open_app: OpenApp) -> None:
    app = open_app()
    app.number_input(key="quick_count").set_value(5)
    app.button(key="quick_hardest").click().run()
    assert app.button(key="forget").label == "Forget 5 pictures"
    app.multiselect(key="compare_with").set_value(["anchor", "neggrad"]).run()
    assert app.button(key="forget").label == "Forget 5 pictures by 2 methods"
    assert not app.button(key="forget").disabled


def test_a_quick_pick_that_asks_for_too_much_is_one_sentence(open_app: OpenApp) -> None:
    app = open_app()
    app.number_input(key="quick_count").set_value(4096)
    app.button(key="quick_random").click().run()
    assert [error.value for error in app.error] == [
        "The pick asks for 4096 pictures, but there are only 4000."
    ]


def test_the_depth_follows_the_pick_until_somebody_chooses_it(open_app: OpenApp) -> None:
    app, depth = open_app(), "depth:28:1"

    def depth_of(count: int) -> object:
        app.number_input(key="quick_count").set_value(count)
        app.button(key="quick_hardest").click().run()
        return app.segmented_control(key=depth).value

    assert (depth_of(4), depth_of(40), depth_of(4)) == (1, 0, 1)
    app.segmented_control(key=depth).set_value(2).run()
    assert (depth_of(40), depth_of(4)) == (2, 2)
    # The prices are of misclassifying.
    assert not [one for one in app.caption if "more or less" in one.value]
    app.radio(key="goal").set_value("relabel").run()
    assert [one for one in app.caption if one.value.endswith("To relabel it may cost more or less.")]


def test_pressing_forget_queues_the_request(open_app: OpenApp, store: Store) -> None:
    app = open_app()
    app.number_input(key="quick_count").set_value(2)
    app.button(key="quick_hardest").click().run()
    app.button(key="forget").click().run()
    (run,) = store.runs()
    assert run.id in app.query_params["run"]
    request = run.parsed_request()
    assert request.pick.startswith("ids:")
    assert (request.method, request.goal, request.classifier) == ("anchor", "misclassify", "mnist-resnet")
    assert app.button(key="cancel")


def test_a_running_run_shows_its_steps_and_can_be_cancelled(open_app: OpenApp, store: Store) -> None:
    run = store.create(ForgetRequest(pick="ids:1,2"))
    store.update(run.id, state=RunState.RUNNING, phase="optimise")
    for step in range(3):
        append_step(store.folder(run.id), made.step(step, 1, k=2))
    app = open_app(run=run.id)
    assert not app.button(key="cancel").disabled
    app.button(key="cancel").click().run()
    assert store.get(run.id).cancel_requested


def test_the_form_leads_to_what_is_under_way(open_app: OpenApp, store: Store) -> None:
    assert not [link for link in open_app().get("page_link") if "nder way" in link.proto.label]
    first = store.create(ForgetRequest(pick="ids:1,2"), "Six *digits*")
    labels = [link.proto.label for link in open_app().get("page_link")]
    assert r"Under way: Six \*digits\*" in labels
    second = store.create(ForgetRequest(pick="ids:1,2"))
    assert "2 runs are under way" in [link.proto.label for link in open_app().get("page_link")]
    for run in (first, second):
        store.finish(run.id, RunState.CANCELLED)


def test_a_cancelled_run_with_a_result_leads_to_its_pages(open_app: OpenApp, store: Store) -> None:
    run = store.create(ForgetRequest(pick="ids:1,2"))
    store.finish(run.id, RunState.CANCELLED, result=made.result(stopped="cancelled", steps=4))
    app = open_app(run=run.id)
    labels = [link.proto.label for link in app.get("page_link")]
    assert {"Before / after", "Weights", "Attributions", "Replay"} <= set(labels)
    assert app.button(key="again")
    assert not [button for button in app.button if button.key == "more"]


def test_a_finished_run_shows_what_came_of_it(
    open_app: OpenApp, store: Store, finished_run: FinishedRun
) -> None:
    run = finished_run.copy_to(store)
    app = open_app(run=run.id)
    assert "no longer recognised" in words_of(app)
    assert app.metric[0].value == "50 → 0"
    assert app.metric[1].label.startswith("Kept (D_r)")


def test_failed_and_interrupted_runs_say_why_and_can_run_again(open_app: OpenApp, store: Store) -> None:
    for state, words in ((RunState.FAILED, "The worker died."), (RunState.INTERRUPTED, "The program ended.")):
        run = store.create(ForgetRequest(pick="ids:1"))
        store.finish(run.id, state, error=words)
        app = open_app(run=run.id)
        assert words in words_of(app)
        before = len(store.runs())
        app.button(key="again").click().run()
        assert len(store.runs()) == before + 1
        assert store.runs()[0].parsed_request() == run.parsed_request()


def test_an_unknown_run_is_one_sentence(open_app: OpenApp) -> None:
    app = open_app(run="00000000")
    assert [error.value for error in app.error] == ["There is no run 00000000."]
    assert app.button(key="forget")


def test_the_map_shows_what_is_picked_and_can_be_cleared(open_app: OpenApp) -> None:
    app = open_app()
    app.number_input(key="quick_count").set_value(5)
    app.button(key="quick_hardest").click().run()
    app.segmented_control(key="show_as").set_value("map").run()
    assert not app.error
    assert "**5 selected**" in words_of(app)
    app.segmented_control(key="map_colour").set_value("loss").run()
    app.button(key="clear_map").click().run()
    assert "**0 selected**" in words_of(app)
    assert app.button(key="forget").disabled


def test_one_press_starts_the_same_request_with_several_methods(open_app: OpenApp, store: Store) -> None:
    app = open_app()
    app.number_input(key="quick_count").set_value(2)
    app.button(key="quick_hardest").click().run()
    app.multiselect(key="compare_with").set_value(["neggrad", "scrub"]).run()
    app.button(key="forget").click().run()
    requests = [run.parsed_request() for run in reversed(store.runs())]
    assert [request.method for request in requests] == ["anchor", "neggrad", "scrub"]
    assert len({request.pick for request in requests}) == 1
    assert [request.retained for request in requests] == [0, 0, 4000]
    assert store.runs()[-1].id in app.query_params["run"]


def test_pictures_come_by_what_the_classifier_makes_of_them(open_app: OpenApp) -> None:
    app = open_app()
    app.number_input(key="quick_count").set_value(3)
    for order in ("memorisation", "odd_label"):
        app.selectbox(key="sort").set_value(order).run()
        assert not app.exception
        app.button(key="quick_first").click().run()
        assert app.button(key="forget").label == "Forget 3 pictures"
    app.selectbox(key="sort").set_value("alike").run()
    assert not app.exception
    assert app.button(key="forget").label == "Forget 3 pictures"


def pick(app: AppTest, number: int) -> AppTest:
    app.number_input(key="quick_count").set_value(number).run()
    return app.button(key="quick_hardest").click().run()


def shows_look_alikes(app: AppTest) -> bool:
    return "look-alikes, made from the pictures to forget" in words_of(app.run())


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the picks that the pages ask the engine to prepare, as they come."""
    picks, prepare = [], Engine.prepare

    def noted(engine: Engine, request: ForgetRequest) -> object:
        picks.append(request.pick)
        return prepare(engine, request)

    monkeypatch.setattr(Engine, "prepare", noted)
    return picks


def test_look_alikes_are_made_while_one_picks(open_app: OpenApp) -> None:
    app = pick(open_app(), 2)
    wait_until(lambda: shows_look_alikes(app))
    assert not app.exception
    # Another method makes none ahead.
    app.radio(key="method").set_value("neggrad").run()
    wait_until(lambda: "look-alikes" not in words_of(app.run()))


def test_two_tabs_do_not_end_each_others_preparation_for_ever(open_app: OpenApp, asked: list[str]) -> None:
    one, other = pick(open_app(), 2), pick(open_app(), 3)
    wait_until(lambda: shows_look_alikes(other))
    before = len(asked)
    for app in (one, other, one, other):
        app.run()
        assert "Making look-alikes" not in words_of(app)
    assert len(asked) == before
    # Another pick is prepared again.
    pick(one, 4)
    wait_until(lambda: shows_look_alikes(one))


def test_what_is_not_picked_any_longer_is_not_prepared(open_app: OpenApp) -> None:
    app = pick(open_app(), 2)
    wait_until(lambda: shows_look_alikes(app))
    pick(app, 200)
    app.session_state["picked"] = []
    assert "look-alikes" not in words_of(app.run())
    assert not list((app_state.store().root / "workers").glob("preparing-*"))
