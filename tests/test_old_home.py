"""A home that version 0.1.0 left behind opens whole, and opening it changes nothing that people kept.

`make_old_home.py` says what is in it. It is read the ways that last: the command line, the pages by their
names, the package's own names; what is imported beyond them is in one place.
"""

import json
import math
import os
import runpy
import sqlite3
import sys
import tarfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import streamlit as st
import torch
from safetensors.torch import load_file
from streamlit.testing.v1 import AppTest

from unlearn_core import load_classifier, load_images
from unlearn_core.measuring.comparison import FORGET, read_comparison
from unlearn_core.measuring.weight_reading import read_weight_maps
from unlearn_core.runs.snapshots import read_snapshots
from unlearn_core.runs.store import Store

ROOT = Path(__file__).parents[1]
ARCHIVE = Path(__file__).with_name("old_home.tar.xz")
PATIENCE = 120

CLASSIFIER, IMAGES = "shapes-net", "my shapes"
FIRST, OTHER, SECOND = "c5518cb1", "9156c824", "46862156"
FAILED, INTERRUPTED = "c5ddc287", "88fcbf1f"
CARDS = {
    FIRST: ["100 → 0", "100 → 100", "100 → 100"],
    OTHER: ["100 → 0", "100 → 89.1", "100 → 87.5"],
    SECOND: ["100 → 0", "100 → 58.1", "100 → 56.2"],
}
"""Of each finished run: accuracy before and after on D_f, D_r and D_test."""

FORGOTTEN = {FIRST: [16, 29, 56], OTHER: [28, 33], SECOND: [42, 49]}
FLIPPED = {FIRST: (0, 0), OTHER: (5, 2), SECOND: (18, 7)}
"""Pictures whose prediction changed, in the retain and in the test set."""

NAMES = {
    FIRST: "first lesson",
    OTHER: "other labels",
    SECOND: "second lesson",
    FAILED: "too fast",
    INTERRUPTED: "power cut",
}
ENDS = {
    FAILED: "The classifier broke at step 2: its outputs are no longer numbers. "
    "Try a smaller learning rate or another method.",
    INTERRUPTED: "The program ended before this run did.",
}
EACH_FINISHED = pytest.mark.parametrize("run", list(CARDS), ids=[NAMES[one] for one in CARDS])

Call = Callable[..., str]


def unpack(folder: Path) -> Path:
    with tarfile.open(ARCHIVE) as packed:
        packed.extractall(folder, filter="data")
    return folder / "old_home"


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


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Call:
    """Call the command line in this process and return what it prints; it must end well."""

    def call(*arguments: str) -> str:
        capfd.readouterr()
        monkeypatch.setattr(sys, "argv", ["unlearn_core", *arguments])
        with pytest.raises(SystemExit) as ended:
            runpy.run_module("unlearn_core", run_name="__main__")
        printed = capfd.readouterr()
        assert not ended.value.code, printed.err
        return printed.out

    return call


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


def distance(one: Mapping[str, torch.Tensor], other: Mapping[str, torch.Tensor]) -> float:
    return math.sqrt(sum((one[name].double() - other[name].double()).square().sum().item() for name in other))


def rows_of(home: Path) -> dict[str, dict[str, Any]]:
    with sqlite3.connect(home / "runs.sqlite") as sql:
        sql.row_factory = sqlite3.Row
        return {row["id"]: dict(row) for row in sql.execute("SELECT * FROM run")}


@EACH_FINISHED
def test_forget_shows_what_came_of_a_run(run: str) -> None:
    app = whole(open_app("forget", run=run))
    assert "Forgotten after" in words_of(app)
    assert [card.value for card in app.metric] == CARDS[run]
    assert app.selectbox(key="classifier").value == CLASSIFIER
    assert app.selectbox(key="images").value == IMAGES
    assert "Classes of these pictures: 3 by name, 1 by you." in words_of(app)
    app.segmented_control(key="show_as").set_value("map").run()
    assert f"**{len(FORGOTTEN[run])} selected**" in words_of(whole(app))


@EACH_FINISHED
def test_before_and_after_is_whole(run: str) -> None:
    app = whole(open_app("before_after", run=run))
    assert [card.value for card in app.metric] == CARDS[run]
    retain, test = FLIPPED[run]
    assert [tab.label for tab in app.tabs] == [
        f"Forgotten · {len(FORGOTTEN[run])}",
        f"D_r flipped · {retain}",
        f"D_test flipped · {test}",
    ]
    for look in ("transitions", "confidence", "map", "layers"):
        app.segmented_control(key="look").set_value(look).run()
        assert len(whole(app).get("plotly_chart")) == 1
    app.toggle(key="nearest").set_value(True).run()
    whole(app)


@EACH_FINISHED
def test_weights_are_whole(run: str) -> None:
    app = whole(open_app("weights", run=run))
    assert len(app.selectbox(key="layer").options) > 10
    assert [card.label for card in app.metric] == ["Rank correlation", "Change in the top 5 %"]
    app.toggle(key="contrast").set_value(True).run()
    assert "mean over the layers" in words_of(whole(app))
    app.segmented_control(key="filters").set_value("one filter").run()
    assert f"of {len(FORGOTTEN[run])} forgotten pictures are recognised" in words_of(whole(app))


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
    steps = sorted(int(file.stem) for file in (Store().folder(run) / "snapshots").glob("*.npz"))
    assert [int(one) for one in app.select_slider(key="step").options] == steps
    app.select_slider(key="step").set_value(steps[0]).run()
    assert len(whole(app).get("plotly_chart")) == 1
    app.segmented_control(key="view").set_value("dial").run()
    assert f"of {len(FORGOTTEN[run])} pictures still recognised here" in words_of(whole(app))


def test_compare_shows_the_runs_side_by_side() -> None:
    app = whole(open_app("compare", run=FIRST))
    app.multiselect(key="runs").set_value(list(CARDS)).run()
    table = whole(app).dataframe[0].value
    assert table["run"].tolist() == list(CARDS)
    assert table["D_r"].tolist() == [100.0, 89.13, 58.14]
    assert "taken for" in words_of(app)


def test_runs_lists_them_all_and_says_why_two_did_not_end() -> None:
    app = whole(open_app("runs", run=SECOND))
    table = app.dataframe[0].value.set_index("id")
    assert table["name"].to_dict() == NAMES
    assert table["state"][list(ENDS)].tolist() == ["failed", "interrupted"]
    assert {run: table["D_test"][run] for run in CARDS} == {run: cards[2] for run, cards in CARDS.items()}
    for run, sentence in ENDS.items():
        app = whole(open_app("runs", run=run))
        assert sentence in words_of(app)
        assert app.button(key="again")


@pytest.mark.parametrize("page", ["forget", "before_after", "weights", "attributions", "replay"])
def test_a_run_that_did_not_end_says_why(page: str) -> None:
    app = open_app(page, run=FAILED)
    assert [error.value for error in app.error] == [ENDS[FAILED]]
    assert ENDS[INTERRUPTED] in words_of(whole(open_app(page, run=INTERRUPTED)))


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


@EACH_FINISHED
def test_the_library_reads_every_file_of_a_run(old_home: Path, run: str) -> None:
    kept = Store(old_home).get(run)
    request, result = kept.parsed_request(), kept.parsed_result()
    assert result is not None
    assert (kept.name, request.classifier, request.images) == (NAMES[run], CLASSIFIER, IMAGES)
    assert sorted(result["ids"]) == FORGOTTEN[run]
    folder = old_home / "runs" / run
    assert len(Store(old_home).steps(run)) == result["steps"] + 1
    comparison = read_comparison(folder)
    chosen = comparison.in_group(FORGET)
    assert comparison.ids[chosen].tolist() == FORGOTTEN[run]
    assert (comparison.after[chosen] != comparison.labels[chosen]).all()
    maps = read_weight_maps(folder)
    assert len(maps.layers) == len(maps.importance) == len(maps.change) > 10
    assert any(change.any() for change in maps.change)
    classifier = load_classifier(CLASSIFIER)
    started_from, ended_at = folder / "start.safetensors", load_file(folder / "weights.safetensors")
    start = load_file(started_from) if started_from.exists() else classifier.module.state_dict()
    snapshots = dict(read_snapshots(folder / "snapshots", start))
    assert list(snapshots) == list(range(result["steps"] + 1))
    assert distance(snapshots[result["steps"]], ended_at) < 0.9 * distance(start, ended_at)
    classifier.load_weights(folder / "weights.safetensors")
    pictures = load_images(IMAGES, classifier)
    rows = np.searchsorted(pictures.ids, comparison.ids)
    pixels = torch.from_numpy(pictures.pixels[rows]).permute(0, 3, 1, 2).float() / 255
    with torch.inference_mode():
        said = classifier.module.eval()(pixels).argmax(1)
    assert (said.numpy() == comparison.after).mean() > 0.95


def test_the_command_line_lists_and_compares(call: Call) -> None:
    catalog = json.loads(call("catalog", "--json"))
    assert CLASSIFIER in [entry["name"] for entry in catalog["classifiers"]]
    assert {IMAGES, "pets"} <= {entry["name"] for entry in catalog["images"]}
    lines = call("runs", "list").splitlines()
    assert [line.split()[0] for line in lines] == [INTERRUPTED, FAILED, SECOND, OTHER, FIRST]
    shown = json.loads(call("runs", "show", SECOND))
    assert (shown["request"]["after"], shown["result"]["earlier"][0]["run"]) == (FIRST, FIRST)
    assert json.loads(call("runs", "show", FAILED))["error"] == ENDS[FAILED]
    compared = json.loads(call("compare", *CARDS, "--json"))
    assert [line["accuracy"]["retain"] for line in compared["runs"]] == [100.0, 89.13, 58.14]
    assert "D_r 58.14 %" in call("compare", FIRST, SECOND)
    matched = json.loads(call("match", "--classifier", CLASSIFIER, "--images", IMAGES, "--json"))
    assert {"own": "three corners", "class": "triangle", "by": "you"} in matched


@EACH_FINISHED
def test_maps_made_anew_are_those_that_were_made_then(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: str
) -> None:
    home = unpack(tmp_path)
    monkeypatch.setenv("UNLEARN_HOME", str(home))
    (measured,) = (home / "runs" / run / "attributions").iterdir()
    with np.load(measured) as kept:
        ids, maps = kept["ids"].tolist(), {when: kept[when] for when in ("before", "after")}
    measured.unlink()
    call("attribute", run, "--ids", ",".join(map(str, ids)), "--out", str(tmp_path / "maps"))
    for when, of_then in maps.items():
        files = [tmp_path / "maps" / f"{one}-integrated-gradients-{when}.npy" for one in ids]
        np.testing.assert_allclose(
            np.stack([np.load(file) for file in files]), of_then, rtol=0, atol=0.01 * abs(of_then).max()
        )


def test_the_command_line_goes_on_from_an_old_run(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNLEARN_HOME", str(unpack(tmp_path)))
    asked = ("forget", "--classifier", CLASSIFIER, "--images", IMAGES, "--after", SECOND)
    result = json.loads(call(*asked, "--pick", "ids:20,30", "--method", "neggrad", "--json"))
    assert [one["run"] for one in result["earlier"]] == [FIRST, SECOND]
    assert result["accuracy"]["forget"]["after"] == 0
    call("runs", "delete", FAILED)
    assert FAILED not in call("runs", "list")


def test_opening_it_changes_nothing_that_was_kept(old_home: Path, tmp_path: Path, call: Call) -> None:
    before = unpack(tmp_path)
    call("runs", "list")
    after = rows_of(old_home)
    for run, row in rows_of(before).items():
        # A later version may add columns.
        assert {name: after[run][name] for name in row} == row
    assert set(after) == set(NAMES)
    for file in before.rglob("*"):
        inside = file.relative_to(before)
        if file.is_file() and not inside.name.startswith("runs.sqlite"):
            assert (old_home / inside).read_bytes() == file.read_bytes(), inside
