"""Looks that fail: the page says why in one sentence, and *Try again* brings what was asked for."""

import shutil
from collections.abc import Callable
from pathlib import Path

import torch
from PIL import Image
from streamlit.testing.v1 import AppTest

from pages.parts import image_tables
from tests.pages.conftest import OpenApp
from tests.quick import QUICK
from unlearn_core.catalog.brought.architectures import seeded
from unlearn_core.engine.job import run_forget
from unlearn_core.measuring.drift import write_drift
from unlearn_core.runs.request import ForgetRequest
from unlearn_core.runs.store import Run, RunState, Store


def finished(store: Store) -> Run:
    run = store.create(ForgetRequest(pick="hardest:2", options=QUICK))
    run_forget(store, run.id)
    return store.get(run.id)


def copied(store: Store, run: Run) -> Run:
    """Return a run like this one that no worker has looked at: a worker keeps weights that it has read."""
    copy = store.create(run.parsed_request())
    shutil.copytree(store.folder(run.id), store.folder(copy.id), dirs_exist_ok=True)
    store.finish(copy.id, RunState.DONE, result=run.parsed_result())
    return copy


def fails(app: AppTest, words: str, button: str = "try_again") -> None:
    assert not app.exception
    (error,) = app.error
    assert words in error.value
    assert app.button(key=button).label == "Try again"


def tried_again(app: AppTest, button: str = "try_again") -> None:
    app.button(key=button).click().run()
    assert not app.exception
    assert not app.error
    assert "Try again" not in [one.label for one in app.button]


def test_gallery_and_map_of_a_folder_that_was_away(open_app: OpenApp, tmp_path: Path) -> None:
    folder, away = tmp_path / "digits", tmp_path / "away"
    for name in ("3", "7"):
        (away / name).mkdir(parents=True)
        Image.new("L", (28, 28), 128).save(away / name / "1.png")
    app = open_app()
    app.selectbox(key="images").set_value("folder").run()
    app.text_input(key="path").set_value(str(folder)).run()
    fails(app, "There is no folder")
    app.run()
    fails(app, "There is no folder")
    away.rename(folder)
    tried_again(app)
    assert app.segmented_control(key="show_as").value == "gallery"
    folder.rename(away)
    app.segmented_control(key="show_as").set_value("map").run()
    fails(app, "There is no folder")
    away.rename(folder)
    tried_again(app)
    assert "Each dot is a picture" in app.caption[0].value


LOOKS: dict[str, tuple[str, Callable[[AppTest], object], str]] = {
    "attributions": ("pages/attributions.py", lambda app: None, "try_again"),
    "film": ("pages/replay.py", lambda app: None, "try_again"),
    "dial": ("pages/replay.py", lambda app: app.segmented_control(key="view").set_value("dial"), "try_again"),
    "contrast": (
        "pages/weights.py",
        lambda app: app.toggle(key="contrast").set_value(True),
        "try_contrast_again",
    ),
    "filter": (
        "pages/weights.py",
        lambda app: app.segmented_control(key="filters").set_value("one filter"),
        "try_again",
    ),
    "layers": (
        "pages/before_after.py",
        lambda app: app.segmented_control(key="look").set_value("layers"),
        "try_again",
    ),
}


def test_looks_at_a_run_whose_weights_were_away(open_app: OpenApp, store: Store) -> None:
    whole = finished(store)
    for name, (page, ask, button) in LOOKS.items():
        run = copied(store, whole)
        weights, away = (store.folder(run.id) / one for one in ("weights.safetensors", "away"))
        weights.rename(away)
        app = open_app(page, run.id)
        ask(app)
        app.run()
        fails(app, "weights", button)
        away.rename(weights)
        tried_again(app, button)
        assert app.get("plotly_chart") or name in ("attributions", "filter")


def test_measurements_that_cannot_be_read_are_made_anew(open_app: OpenApp, store: Store) -> None:
    run = finished(store)
    for content in (b"damaged", b"PK\x03\x04 damaged"):
        write_drift(store.root, run.id).write_bytes(content)
        app = open_app("pages/before_after.py", run.id)
        app.segmented_control(key="look").set_value("layers").run()
        fails(app, "cannot be read")
    tried_again(app)


def test_an_image_table_that_goes_missing_is_made_anew(open_app: OpenApp, store: Store) -> None:
    app = open_app()
    for table in (store.root / "tables").iterdir():
        table.unlink()
    image_tables._read.clear()
    app.run()
    assert not app.exception
    assert not app.error
    assert app.segmented_control(key="show_as").value == "gallery"


def test_a_trial_of_a_checkpoint_that_was_away(open_app: OpenApp, tmp_path: Path) -> None:
    path = tmp_path / "net.pt"
    app = open_app("pages/add.py")
    app.segmented_control(key="add_from").set_value("file").run()
    app.text_input(key="add_path").set_value(str(path))
    app.selectbox(key="add_architecture").set_value("timm:resnet10t")
    app.number_input(key="add_size").set_value(64).run()
    app.button(key="try").click().run()
    fails(app, "net.pt")
    torch.save(seeded("timm:resnet10t", 4, 3, None).state_dict(), path)
    tried_again(app)
    assert app.button(key="add").label == "Add to the catalog"
