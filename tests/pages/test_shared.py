"""A server that is shared: nobody sees, takes out or mends what is another's, nor where anything lies."""

import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from PIL import Image
from streamlit.runtime.scriptrunner import StopException
from streamlit.testing.v1 import AppTest

from pages.shared import app_state, visitor
from tests.finished import FinishedRun
from tests.pages.conftest import OpenApp
from tests.pages.words_of import words_of
from unlearn_core.catalog.custom.add_classifier import add_classifier
from unlearn_core.catalog.entries import classifier_entry
from unlearn_core.catalog.records.classifier_record import ClassifierSpecification, custom_classifiers
from unlearn_core.catalog.records.image_set_record import AddedImageSet, added_image_sets
from unlearn_core.catalog.sources.add_image_set import add_image_set
from unlearn_core.catalog.sources.registry import check_image_set
from unlearn_core.catalog.sources.uploaded_photos import upload_folder
from unlearn_core.common.quotas import DAYS, RUNS, UNDER_WAY
from unlearn_core.common.sharing import public_message
from unlearn_core.errors import UserError
from unlearn_core.store.cleanup import clean_up, remove_added
from unlearn_core.store.limits import room_for
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.rows import RunState
from unlearn_core.store.runs import Store

OTHER = "0123456789abcdef"
ONE = [ForgetRequest()]


@pytest.fixture(autouse=True)
def shared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNLEARN_SHARED", "1")
    # AppTest has no cookies: every app that it opens is another visitor's browser.
    monkeypatch.setattr(visitor, "_token", lambda cookie: "")


@pytest.fixture
def pets(own_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AddedImageSet:
    """Somebody else's image set; a path, as the person who runs the server may have added it."""
    (tmp_path / "set" / "cat").mkdir(parents=True)
    Image.new("RGB", (30, 30), "red").save(tmp_path / "set" / "cat" / "1.png")
    monkeypatch.setenv("UNLEARN_SHARED", "0")
    for old in added_image_sets(own_home):
        remove_added(Store(own_home), old.name)
    record = add_image_set(own_home, "secret pets", f"folder:{tmp_path / 'set'}", visitor=OTHER)
    monkeypatch.setenv("UNLEARN_SHARED", "1")
    return record


def forge(app: AppTest, key: str, text: str) -> None:
    """Send the server a value that its page does not offer, as a browser under somebody's control may."""
    states = app._tree.get_widget_states()
    (widget,) = [one for one in states.widgets if one.id == app.selectbox(key=key).id]
    widget.string_value = text
    app._run(states)


def test_another_ones_pictures_cannot_be_named(pets: AddedImageSet, open_app: OpenApp) -> None:
    app = open_app()
    assert pets.name not in app.selectbox(key="images").options
    app.query_params["images"] = pets.name
    app.run()
    assert app.selectbox(key="images").value == "mnist"
    for text in (pets.name, f"photos:{OTHER}", "folder", "folder:/etc"):
        forge(app, "images", text)
        assert app.selectbox(key="images").value == "mnist"
        assert pets.name not in words_of(app)
    add = open_app("pages/add/add.py")
    assert pets.name not in add.selectbox(key="add_look").options
    assert pets.name not in add.dataframe[0].value["name"].tolist()
    forge(add, "add_look", pets.name)
    assert add.selectbox(key="add_look").value != pets.name
    assert not [one for one in add.selectbox if one.key == "take_out"]


def test_a_sentence_about_names_tells_none_of_others(own_home: Path, pets: AddedImageSet) -> None:
    specification = ClassifierSpecification(source="timm:resnet10t:random", classes=3, name="secret net")
    add_classifier(own_home, specification, visitor=OTHER)
    with pytest.raises(UserError) as classifiers:
        classifier_entry("nothing")
    with pytest.raises(UserError) as images:
        check_image_set("nothing")
    assert "secret" not in f"{classifiers.value} {images.value}"
    store = Store(own_home)
    run = store.create(ForgetRequest(classifier="secret net"), "named by me", visitor="f" * 16)
    store.finish(run.id, RunState.FAILED)
    with pytest.raises(UserError, match="A run of another visitor uses secret net") as needed:
        remove_added(store, "secret net", OTHER)
    assert run.id not in str(needed.value)
    store.delete(run.id)
    remove_added(store, "secret net", OTHER)


def test_a_link_to_a_run_cannot_be_guessed_and_gives_no_more_than_a_look(
    store: Store, open_app: OpenApp
) -> None:
    run = store.create(ForgetRequest(pick="ids:1"), "theirs", visitor=OTHER)
    assert len(run.id) == 32
    assert ForgetRequest.parse(after=run.id).after == run.id
    store.finish(run.id, RunState.FAILED, error="It was only a test.")
    assert "theirs" not in words_of(open_app("pages/runs/runs.py"))
    app = open_app(run=run.id)
    assert "It was only a test." in words_of(app)
    app.button(key="again").click().run()
    assert not app.exception
    (mine,) = [one for one in store.runs() if one.id != run.id]
    assert mine.visitor not in ("", OTHER)
    runs = open_app("pages/runs/runs.py", run.id)
    assert not [one for one in runs.button if one.key == "delete"]


def test_no_page_says_where_anything_lies(own_home: Path, store: Store, open_app: OpenApp) -> None:
    app = open_app()
    app.selectbox(key="classifier").set_value("cifar10-resnet20").run()
    assert "cifar10 is not on this machine" in app.error[0].value
    assert str(own_home) not in words_of(app)
    run = store.create(ForgetRequest(images="folder:/srv/private/pets"), "before", visitor="")
    store.finish(run.id, RunState.FAILED)
    linked = open_app(run=run.id)
    assert "/srv/private" not in words_of(linked) + json.dumps(dict(linked.query_params))
    assert st.get_option("client.showErrorDetails") == "none"
    assert public_message(RuntimeError("/srv/private/x is broken")) == "The program failed: RuntimeError."


def test_what_everybody_sees_cannot_be_overridden(own_home: Path, open_app: OpenApp) -> None:
    app = open_app()
    app.selectbox(key="classifier").set_value("imagenet-efficientnet-lite0").run()
    assert not app.exception
    assert not [one for one in app.button if one.key == "match_save"]


def test_hubs_and_functions_are_not_offered(own_home: Path, open_app: OpenApp) -> None:
    app = open_app("pages/add/add.py")
    assert "A Python function" not in app.segmented_control(key="add_from").options
    for source in ("timm:hf-hub:somebody/net", "os:getcwd", "file:/etc/passwd"):
        with pytest.raises(UserError, match="is shared"):
            add_classifier(own_home, ClassifierSpecification(source=source, architecture="timm:resnet10t"))
    assert not [one for one in custom_classifiers(own_home) if one.visitor == ""]


def test_what_visitors_left_behind_is_removed_when_no_run_needs_it(
    own_home: Path, pets: AddedImageSet
) -> None:
    photos = upload_folder(own_home, OTHER)
    needed = upload_folder(own_home, "f" * 16)
    for folder in (photos, needed):
        folder.mkdir(parents=True)
        Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(folder / "0000-a.png")
    store = Store(own_home)
    run = store.create(ForgetRequest(images=f"photos:{'f' * 16}"))
    store.finish(run.id, RunState.FAILED)
    assert clean_up(store) == []
    long_ago = time.time() - (DAYS.value + 1) * 24 * 3600
    for folder in (photos, needed, own_home / "image_sets" / "secret%20pets"):
        os.utime(folder, (long_ago, long_ago))
    assert sorted(clean_up(store)) == [f"photos:{OTHER}", "secret pets"]
    assert not photos.exists()
    assert needed.exists()
    assert added_image_sets(own_home) == []


def test_old_runs_of_visitors_are_removed(own_home: Path) -> None:
    store = Store(own_home)
    long_ago = datetime.now(UTC) - timedelta(days=DAYS.value + 1)
    mine, theirs, recent = (store.create(ForgetRequest(), visitor=who) for who in ("", OTHER, OTHER))
    for run in (mine, theirs, recent):
        store.finish(run.id, RunState.DONE)
    for run in (mine, theirs):
        store.update(run.id, finished=long_ago)
    assert theirs.id in clean_up(store)
    assert {run.id for run in store.runs()} >= {mine.id, recent.id}
    assert not store.folder(theirs.id).exists()


def check_room(store: Store, visitor: str, more: int = 1) -> None:
    room_for(store, visitor, ONE * more)(store.runs(visitor))


def test_a_visitor_has_so_many_runs_at_once_and_so_many_in_all(own_home: Path) -> None:
    store = Store(own_home)
    check_room(store, OTHER, UNDER_WAY.value)
    runs = [store.create(ForgetRequest(), visitor=OTHER) for _ in range(UNDER_WAY.value)]
    with pytest.raises(UserError, match="wait for one, or cancel it"):
        check_room(store, OTHER)
    check_room(store, "")
    check_room(store, "f" * 16)
    for run in runs:
        store.finish(run.id, RunState.CANCELLED)
    for _ in range(RUNS.value - UNDER_WAY.value):
        store.finish(store.create(ForgetRequest(), visitor=OTHER).id, RunState.CANCELLED)
    with pytest.raises(UserError, match="delete some on the page Runs"):
        check_room(store, OTHER)
    store.update(runs[0].id, finished=datetime.now(UTC) - timedelta(days=DAYS.value + 1))
    check_room(store, OTHER)


def test_many_presses_at_once_start_no_more_runs_than_one_after_another(own_home: Path) -> None:
    store = Store(own_home)

    def press(_: int) -> int:
        try:
            return len(store.create_all(ONE, None, OTHER, room_for(store, OTHER, ONE)))
        except UserError:
            return 0

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(press, range(16))) == UNDER_WAY.value
    assert len(store.runs(OTHER)) == UNDER_WAY.value
    assert len(list((own_home / "runs").iterdir())) == UNDER_WAY.value


def test_the_page_starts_no_run_that_a_visitor_may_not_have(
    store: Store, open_app: OpenApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNLEARN_MAX_PICTURES", "15")
    app = open_app()
    app.button(key="quick_hardest").click().run()
    app.button(key="forget").click().run()
    assert "forgets at most 15 pictures" in app.error[0].value
    assert store.runs() == []


def test_only_its_owner_resumes_a_run(store: Store, open_app: OpenApp) -> None:
    run = store.create(ForgetRequest(pick="ids:1"), visitor=OTHER)
    store.finish(run.id, RunState.INTERRUPTED, error="The program was closed before this run ended.")
    app = open_app(run=run.id)
    assert "The program was closed" in words_of(app)
    assert not [one for one in app.button if one.key == "resume"]


def test_a_link_to_a_comparison_shows_another_ones_runs(
    store: Store, open_app: OpenApp, finished_run: FinishedRun
) -> None:
    runs = [finished_run.copy_to(store) for _ in range(2)]
    for run in runs:
        store.update(run.id, visitor=OTHER)
    app = open_app("pages/compare/compare.py")
    assert "Nothing has been forgotten yet" in words_of(app)
    app.query_params["runs"] = ",".join(run.id for run in runs)
    app.run()
    assert not app.exception
    assert app.multiselect(key="runs").value == [run.id for run in runs]
    app.query_params["runs"] = "00000000"
    app.run()
    assert "There is no run 00000000." in words_of(app)


def test_a_visitor_who_leaves_while_the_workers_start_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def left() -> None:
        raise StopException

    monkeypatch.setattr(app_state, "engine", left)
    app_state._start_workers()
