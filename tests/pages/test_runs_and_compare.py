"""Runs and Compare: what is done with runs that ended, and several of them side by side."""

from streamlit.testing.v1 import AppTest

from pages.compare.compare_figures import titles
from pages.compare.conclusion import conclusion
from tests.finished import result_of
from tests.pages.conftest import PATIENCE, ROOT, Finished, OpenApp
from tests.pages.words_of import words_of
from tests.waiting import wait_until
from unlearn_core.artifacts.results import Agreement
from unlearn_core.store.compare_runs import GroupShares, RunNumbers
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.rows import RunState
from unlearn_core.store.runs import Store


def test_a_run_can_be_run_again_and_deleted(open_app: OpenApp, store: Store) -> None:
    run = store.create(ForgetRequest(pick="hardest:2"), "two hard ones")
    store.finish(run.id, RunState.INTERRUPTED, error="The program ended.")
    app = open_app("pages/runs/runs.py", run.id)
    assert "The program ended." in words_of(app)
    app.button(key="again").click().run()
    newest = store.runs()[0]
    assert newest.id != run.id
    assert (newest.name, newest.parsed_request()) == (run.name, run.parsed_request())
    app = open_app("pages/runs/runs.py", run.id)
    app.button(key="delete").click().run()
    assert not app.exception
    assert run.id not in {kept.id for kept in store.runs()}


def test_a_run_that_stands_alone_gets_another_to_compare(
    open_app: OpenApp, store: Store, finished: Finished
) -> None:
    run = finished(store)
    app = open_app("pages/compare/compare.py", run.id)
    assert "Choose two runs or more" in words_of(app)
    app.button(key="by:neggrad").click().run()
    assert not app.exception
    other = store.runs()[0]
    assert other.parsed_request().method == "neggrad"
    wait_until(lambda: store.get(other.id).state == RunState.DONE)
    chosen = open_app("pages/compare/compare.py", other.id).multiselect(key="runs").value
    assert set(chosen) == {run.id, other.id}
    assert result_of(store, other.id).ids == result_of(store, run.id).ids


def test_two_runs_are_compared(open_app: OpenApp, store: Store, finished: Finished) -> None:
    runs = [finished(store), finished(store)]
    app = open_app("pages/compare/compare.py", runs[0].id)
    assert not app.error
    assert len(app.dataframe[0].value) == 2
    assert "They forget all and keep the same" in words_of(app)
    for curves in ("forget_accuracy", "retain_accuracy"):
        app.segmented_control(key="curves").set_value(curves).run()
        assert not app.exception
    app.query_params["pictures"] = "five"
    app.run()
    assert [error.value for error in app.error] == ["five in the link is not a picture id."]

    app.multiselect(key="runs").set_value([runs[0].id]).run()
    assert "Choose two runs or more" in words_of(app)


def test_a_run_that_is_to_stop_says_so(open_app: OpenApp, store: Store) -> None:
    run = store.create(ForgetRequest(pick="ids:1"))
    store.update(run.id, state=RunState.RUNNING)
    app = open_app("pages/runs/runs.py", run.id)
    assert not next(button for button in app.button if button.label == "Cancel").disabled
    store.request_cancel(run.id)
    app.run()
    assert next(button for button in app.button if button.label == "Stopping …").disabled


def test_the_same_run_twice_in_a_link_is_one(store: Store, finished: Finished) -> None:
    run = finished(store)
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=PATIENCE)
    app.run().switch_page("pages/compare/compare.py")
    app.query_params["runs"] = f"{run.id},{run.id}"
    app.run()
    assert not app.error
    assert "Choose two runs or more" in words_of(app)


def test_a_run_that_is_gone_is_said_once(open_app: OpenApp, store: Store) -> None:
    run = store.create(ForgetRequest(pick="ids:1"))
    store.finish(run.id, RunState.CANCELLED)
    app = open_app("pages/runs/runs.py", run.id)
    other = store.create(ForgetRequest(pick="ids:2"))
    store.finish(other.id, RunState.CANCELLED)
    store.delete(run.id)
    del app.query_params["run"]
    app.run()
    assert [error.value for error in app.error] == [f"There is no run {run.id}."]
    app.run()
    assert not app.error


def numbers(run: str, kept: float, copies: float | None = None, depth: str | None = None) -> RunNumbers:
    shares = GroupShares(forget=0.0, retain=kept, test=kept)
    return RunNumbers(
        run=run,
        name=run,
        classifier="mnist-resnet",
        images="mnist",
        method=run if depth is None else "anchor",
        depth=depth,
        goal="misclassify",
        k=1,
        seed=0,
        accuracy=shares,
        before=shares,
        agreement=Agreement(retain=kept, test=kept),
        changed_copies=copies,
        ids=(3,),
        steps=1,
        seconds=1.0,
        stopped="forgotten",
        frontier=(),
    )


def test_what_is_written_alike_is_no_victory() -> None:
    words = conclusion([numbers("anchor", 99.9), numbers("adv", 99.9), numbers("neggrad", 50.0)])
    assert words.startswith("**anchor** and **adv** forget all and keep most: 99.9%")
    assert words.endswith("50% after neggrad.")
    few = [numbers("anchor", 99.9), numbers("adv", 99.8)]
    assert conclusion(few).startswith("They forget all and keep nearly the same: 99.8 to 99.9%")
    assert conclusion(few).endswith("4 pictures may be chance.")
    assert conclusion([*few, numbers("neggrad", 50.0)]).startswith("**anchor** and **adv** forget all")
    assert conclusion([numbers("anchor", 99.95), numbers("adv", 99.8)]).startswith("**anchor** forgets all")
    assert "keep the same: 100%" in conclusion([numbers("anchor", 99.996), numbers("adv", 99.997)])


def test_what_forgets_deepest_is_said_beside_what_keeps_most() -> None:
    two = [numbers("1f", 99.6, 24.4, "firm"), numbers("2e", 99.9, 70.9, "just-enough")]
    assert titles(two) == ["anchor firm", "anchor just-enough"]
    words = conclusion(two)
    assert words.startswith("**anchor just-enough** forgets all and keeps most: 99.9%")
    assert words.endswith("fewest are recognised after anchor firm: 24.4%; after anchor just-enough 70.9%.")
    assert titles([*two, numbers("3f", 99.5, 20, "firm")]) == [
        "anchor firm 1f",
        "anchor just-enough",
        "anchor firm 3f",
    ]
    assert titles([*two, numbers("adv", 80)])[2] == "adv"
    assert "fewest" not in conclusion([numbers("anchor", 99, 20), numbers("adv", 98, 20)])
    # A broken classifier recognises few copies of anything.
    assert "fewest" not in conclusion([numbers("anchor", 99, 20), numbers("adv", 38, 5)])


def test_only_methods_with_a_result_are_compared(open_app: OpenApp, store: Store, finished: Finished) -> None:
    runs = [finished(store), store.create(ForgetRequest(method="neggrad"))]
    store.finish(runs[1].id, RunState.FAILED, error="It failed.")
    app = open_app(run=runs[0].id)
    app.session_state["started_together"] = [run.id for run in runs]
    app.run()
    assert "There is no result of NegGrad: see Runs." in words_of(app)
    assert not [link for link in app.get("page_link") if link.proto.label.startswith("Compare the")]
