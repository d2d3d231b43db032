"""Pages beside what is damaged, and after a look that failed."""

import re
import shutil
import sqlite3
from pathlib import Path

import numpy as np
from PIL import Image
from streamlit.testing.v1 import AppTest

from benchmarks.damaged import damage
from pages.shared.words import plain
from tests.finished import FinishedRun
from tests.made import result
from tests.pages.conftest import OpenApp
from tests.pages.words_of import words_of
from tests.quick import QUICK
from tests.waiting import wait_until
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.rows import UNDER_WAY, RunState
from unlearn_core.store.runs import Store


def test_a_damaged_run_is_one_sentence_and_can_be_deleted(open_app: OpenApp, store: Store) -> None:
    run = store.create(ForgetRequest(pick="ids:3,14"), "damaged")
    store.finish(run.id, RunState.DONE, result=result(steps=7))
    with sqlite3.connect(store.root / "runs.sqlite") as connection:
        connection.execute("UPDATE run SET request = 'x', created = 'x' WHERE id = ?", (run.id,))
    connection.close()
    for page in ("forget", "before_after", "weights", "attributions", "replay", "compare", "runs"):
        app = open_app(f"pages/{page}/{page}.py", run.id)
        assert f"Run {run.id} is damaged" in words_of(app), page
    assert app.dataframe[0].value["state"].tolist() == ["damaged"]


def test_files_that_are_damaged_are_named_on_the_pages(
    open_app: OpenApp, store: Store, finished_run: FinishedRun
) -> None:
    run, other = finished_run.copy_to(store, "damaged"), finished_run.copy_to(store, "whole")
    pages = {"steps": "forget", "predictions": "before_after", "weights": "runs", "snapshot": "runs"}
    for target, page in pages.items():
        damage(store.root, run.id, target, "flipped")
        words = words_of(open_app(f"pages/{page}/{page}.py", run.id))
        assert re.search(rf"of run {run.id} .*(are|or) damaged\\: run it again\.", words), target
        shutil.rmtree(store.folder(run.id))
        shutil.copytree(store.folder(other.id), store.folder(run.id))
        assert not open_app(f"pages/{page}/{page}.py", run.id).error, target


def test_a_folder_may_be_deleted_while_its_page_is_open(
    open_app: OpenApp, store: Store, finished_run: FinishedRun
) -> None:
    run = finished_run.copy_to(store)
    pages = [open_app(f"pages/{page}/{page}.py", run.id) for page in ("forget", "before_after", "runs")]
    shutil.rmtree(store.folder(run.id))
    for app in pages:
        app.run()
        assert not app.exception
        assert re.search(f"run {run.id} (is|are) missing", words_of(app))
    pages[-1].button(key="delete").click().run()
    assert store.runs() == []


def test_a_database_that_was_made_anew_is_told_once(
    open_app: OpenApp, store: Store, finished_run: FinishedRun
) -> None:
    run = finished_run.copy_to(store)
    store._sql.dispose()
    # Another file: in the one that is open the journal would mend what is overwritten.
    for file in store.root.glob("runs.sqlite*"):
        file.unlink()
    (store.root / "runs.sqlite").write_bytes(b"no database")
    app = open_app("pages/runs/runs.py", run.id)
    assert app.dataframe[0].value["state"].tolist() == ["done"]
    assert "runs.sqlite was damaged (file is not a database): it is now" in words_of(app)
    app.run()
    assert "is back from the run folders" in words_of(app)
    assert "is back from the run folders" not in words_of(open_app("pages/runs/runs.py", run.id))


def test_try_again_brings_what_failed_at_first(open_app: OpenApp, tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    app = open_app()
    app.selectbox(key="images").set_value("folder").run()
    app.text_input(key="path").set_value(str(folder)).run()
    assert any("There is no folder" in error.value for error in app.error)
    for name in ("3", "7"):
        (folder / name).mkdir(parents=True)
        for number in range(2):
            pixels = np.full((28, 28), 100 + number, np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    (again,) = (button for button in app.button if button.label == "Try again")
    again.click().run()
    assert not app.error
    assert not [button for button in app.button if button.label == "Try again"]
    assert "2 by name" in words_of(app)


def test_an_interrupted_run_goes_on_with_one_click(open_app: OpenApp, store: Store) -> None:
    run = store.create(ForgetRequest(pick="ids:3,14", options=QUICK))
    store.update(run.id, state=RunState.RUNNING)
    store.end(run.id, RunState.INTERRUPTED, "The program ended before this run did.")
    app = open_app(run=run.id)
    assert plain("Interrupted: The program ended before this run did.") in words_of(app)
    app.button(key="resume").click().run()
    assert not app.exception
    wait_until(lambda: store.get(run.id).state not in UNDER_WAY)
    assert store.get(run.id).state == RunState.DONE
    assert [one.id for one in store.runs()] == [run.id]


def test_what_fails_twice_for_one_reason_is_tried_again_with_one_button() -> None:
    def page() -> None:
        from pages.shared.errors import FailedLookError, show_error

        for _ in range(2):
            show_error(FailedLookError("The worker process died."))

    app = AppTest.from_function(page).run()
    assert not app.exception
    assert len(app.error) == 2
    assert [button.label for button in app.button] == ["Try again"]


def test_what_a_link_or_a_file_says_is_not_drawn_as_markdown(open_app: OpenApp, store: Store) -> None:
    click = "[click](http://evil.example)"
    (error,) = open_app(run=click).error
    assert error.value == plain(f"There is no run {click}.")
    assert r"\[click\]" in error.value
    for state, words in ((RunState.INTERRUPTED, f"Interrupted: {click}."), (RunState.FAILED, f"{click}.")):
        run = store.create(ForgetRequest(pick="ids:3,14"))
        store.update(run.id, state=RunState.RUNNING)
        store.end(run.id, state, f"{click}.")
        assert plain(words) in words_of(open_app(run=run.id))
        (warning,) = open_app("pages/runs/runs.py", run.id).warning
        assert warning.value == plain(f"{click}.")


def test_a_run_that_was_cancelled_before_its_first_step(open_app: OpenApp, store: Store) -> None:
    run = store.create(ForgetRequest(pick="ids:3"))
    store.finish(run.id, RunState.CANCELLED, result=result(stopped="cancelled", steps=0))
    words = words_of(open_app(run=run.id))
    assert "Cancelled before the first step: nothing was changed." in words
    assert "0 steps" not in words
