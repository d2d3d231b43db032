"""A home that version 0.1.0 left behind opens with every page whole, and that changes nothing in it."""

import os
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from pages.shared.words import plain
from tests.old_home import (
    CARDS,
    CLASSIFIER,
    ENDS,
    FAILED,
    FIRST,
    FLIPPED,
    FORGOTTEN,
    IMAGES,
    INTERRUPTED,
    NAMES,
    SECOND,
    STEPS,
    unpack,
)
from unlearn_core import load_classifier, load_images

ROOT = Path(__file__).parents[1]
PATIENCE = 600
EACH_FINISHED = pytest.mark.parametrize("run", list(CARDS), ids=[NAMES[one] for one in CARDS])


@pytest.fixture(scope="module")
def old_home(parsed_digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give all tests of this file one home and one server's workers."""
    home = unpack(tmp_path_factory.mktemp("old"))
    (home / "cache").mkdir()
    os.link(parsed_digits, home / "cache" / parsed_digits.name)
    st.cache_resource.clear()
    yield home
    st.cache_resource.clear()


@pytest.fixture(autouse=True)
def own_home(old_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("UNLEARN_HOME", str(old_home))
    return old_home


def open_app(page: str, **link: str) -> AppTest:
    """Open a page with a link's parameters, as a link does."""
    (file,) = ROOT.glob(f"pages/**/{page}.py")
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=PATIENCE)
    # The first run is always that of the page Forget: on the way elsewhere it shall not look at all digits.
    app.query_params.update({"classifier": CLASSIFIER, "images": IMAGES})
    if page == "forget":
        app.query_params.update(link)
        app.run()
    else:
        app.run().switch_page(str(file.relative_to(ROOT)))
        app.query_params.update(link)
        app.run()
    assert not app.exception
    return app


def whole(app: AppTest) -> AppTest:
    assert not app.exception
    assert [error.value for error in app.error] == []
    return app


def words_of(app: AppTest) -> str:
    kinds = ("markdown", "caption", "error", "warning", "success", "info")
    return "\n".join(element.value for kind in kinds for element in getattr(app, kind))


def html_of(app: AppTest) -> str:
    return "\n".join(str(element.proto.body) for element in app.get("html"))


def rows_of(home: Path) -> dict[str, dict[str, Any]]:
    with sqlite3.connect(home / "runs.sqlite") as sql:
        sql.row_factory = sqlite3.Row
        return {row["id"]: dict(row) for row in sql.execute("SELECT * FROM run")}


@EACH_FINISHED
def test_forget_shows_what_came_of_a_run(run: str) -> None:
    app = whole(open_app("forget", run=run))
    assert re.search("no longer recognised|taken for their new class", words_of(app))
    assert [card.value for card in app.metric] == CARDS[run]
    assert app.selectbox(key="classifier").value == CLASSIFIER
    assert app.selectbox(key="images").value == IMAGES
    assert "Class match: 3 by name, 1 by you." in words_of(app)
    app.segmented_control(key="show_as").set_value("map").run()
    assert f"**{len(FORGOTTEN[run])} selected**" in words_of(whole(app))


@EACH_FINISHED
def test_before_and_after_is_whole(run: str) -> None:
    app = whole(open_app("before_after", run=run))
    assert [card.value for card in app.metric] == CARDS[run]
    retain, test = FLIPPED[run]
    assert [tab.label for tab in app.tabs] == [
        f"Forgotten · {len(FORGOTTEN[run])}",
        f"Kept, changed · {retain}",
        f"Never seen, changed · {test}",
    ]
    for look in ("transitions", "confidence", "map", "layers"):
        app.pills(key="look").set_value(look).run()
        assert len(whole(app).get("plotly_chart")) == 1
    app.toggle(key="nearest").set_value(True).run()
    whole(app)


@EACH_FINISHED
def test_weights_are_whole(run: str) -> None:
    app = whole(open_app("weights", run=run))
    assert len(app.selectbox(key="layer").options) > 10
    assert [card.label for card in app.metric] == ["Rank correlation", "Change in the top 5%"]
    app.toggle(key="contrast").set_value(True).run()
    assert "mean over the layers" in words_of(whole(app))
    app.segmented_control(key="filters").set_value("one filter").run()
    assert re.search(
        rf"of {len(FORGOTTEN[run])} forgotten pictures (is|are) recognised", words_of(whole(app))
    )


@pytest.mark.slow
@EACH_FINISHED
def test_attributions_are_whole(run: str) -> None:
    app = whole(open_app("attributions", run=run))
    forgotten = f"id {FORGOTTEN[run][0]}, to forget"
    assert forgotten in html_of(app)
    app.toggle(key="trust").set_value(True).run()
    app.toggle(key="neighbours").set_value(True).run()
    app.multiselect(key="algorithms").set_value(["saliency", "layer-gradcam"]).run()
    assert forgotten in html_of(whole(app))


@EACH_FINISHED
def test_replay_is_whole(run: str) -> None:
    app = whole(open_app("replay", run=run))
    steps = list(range(STEPS[run] + 1))
    assert [int(one) for one in app.select_slider(key="step").options] == steps
    app.select_slider(key="step").set_value(steps[0]).run()
    assert len(whole(app).get("plotly_chart")) == 1
    app.segmented_control(key="view").set_value("dial").run()
    assert f"of {len(FORGOTTEN[run])} pictures recognised at this point" in words_of(whole(app))


def test_compare_shows_the_runs_side_by_side() -> None:
    app = whole(open_app("compare", run=FIRST))
    app.multiselect(key="runs").set_value(list(CARDS)).run()
    table = whole(app).dataframe[0].value
    assert table["run"].tolist() == list(CARDS)
    assert table["kept (D_r)"].tolist() == [100.0, 89.13, 58.14]
    assert "below each map the prediction" in words_of(app)


def test_runs_lists_them_all_and_says_why_two_did_not_end() -> None:
    app = whole(open_app("runs", run=SECOND))
    table = app.dataframe[0].value.set_index("id")
    assert table["name"].to_dict() == NAMES
    assert table["state"][list(ENDS)].tolist() == ["failed", "interrupted"]
    assert {run: table["never seen (D_test)"][run] for run in CARDS} == {
        run: cards[2] for run, cards in CARDS.items()
    }
    for run, sentence in ENDS.items():
        app = whole(open_app("runs", run=run))
        assert plain(sentence) in words_of(app)
        assert app.button(key="again")


@pytest.mark.parametrize("page", ["forget", "before_after", "weights", "attributions", "replay"])
def test_a_run_that_did_not_end_says_why(page: str) -> None:
    app = open_app(page, run=FAILED)
    assert [error.value for error in app.error] == [plain(ENDS[FAILED])]
    assert plain(ENDS[INTERRUPTED]) in words_of(whole(open_app(page, run=INTERRUPTED)))


def test_add_lists_what_was_brought() -> None:
    names = whole(open_app("add")).dataframe[0].value["name"].tolist()
    assert {CLASSIFIER, IMAGES, "pets"} <= set(names)


def test_the_photo_that_was_uploaded_is_there() -> None:
    app = whole(open_app("forget", images="photos"))
    assert app.selectbox(key="images").value == "photos"
    assert "holiday-1" in " ".join(load_images("photos", load_classifier(CLASSIFIER)).files)


def test_an_image_set_whose_folder_is_gone_is_one_sentence() -> None:
    app = open_app("forget", images="pets")
    assert [error.value for error in app.error] == ["There is no folder /pictures/pets."]


def test_opening_it_changes_nothing_that_was_kept(old_home: Path, tmp_path: Path) -> None:
    before = unpack(tmp_path)
    open_app("runs", run=SECOND)
    after = rows_of(old_home)
    for run, row in rows_of(before).items():
        # A later version may add columns.
        assert {name: after[run][name] for name in row} == row
    assert set(after) == set(NAMES)
    for file in before.rglob("*"):
        inside = file.relative_to(before)
        if file.is_file() and not inside.name.startswith("runs.sqlite"):
            assert (old_home / inside).read_bytes() == file.read_bytes(), inside
