"""The explorer's figures show what they are given: film, dial, transitions, moves, map, comparison."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pages.before_after.transition_figures import (
    confidence_figure,
    layers_alike_figure,
    moves_figure,
    transition_figure,
)
from pages.compare.compare_figures import curves_figure, frontier_figure, titles
from pages.forget.image_map import map_figure
from pages.replay.interpolation_figure import interpolation_figure
from pages.replay.replay_figure import replay_figure
from pages.shared.class_captions import class_captions
from pages.shared.palette import AFTER, BEFORE, FORGET
from pages.shared.picture_choice import choose_pictures
from tests.made import result, step
from tests.run_folder import CLASSES, write_predictions
from unlearn_core.artifacts.image_table import ImageTable
from unlearn_core.artifacts.predictions import RETAIN, Comparison, read_comparison, transitions
from unlearn_core.store.compare_runs import compare
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.rows import RunState
from unlearn_core.store.runs import Store


@pytest.fixture
def comparison(tmp_path: Path) -> Comparison:
    write_predictions(tmp_path)
    return read_comparison(tmp_path)


def film() -> dict[str, np.ndarray[Any, Any]]:
    random = np.random.default_rng(0)
    return {
        "steps": np.array([0, 1, 5]),
        "all_steps": np.array([0, 1, 3, 5]),
        "ids": np.array([100, 102]),
        "labels": np.array([0, 0]),
        "classes": np.array([[0, 0], [0, 0], [1, 0]]),
        "tops": np.array([[0.9, 0.8], [0.6, 0.8], [0.7, 0.8]]),
        "maps": random.normal(size=(3, 2, 28, 28)).astype(np.float32),
        "places": random.normal(size=(3, 4, 2)).astype(np.float32),
        "inputs": random.integers(0, 255, (2, 28, 28, 1), np.uint8),
        "point_ids": np.array([100, 101, 102, 103]),
        "point_labels": np.array([0, 1, 0, 1]),
        "point_groups": np.array([0, 0, 1, 1]),
    }


def test_a_film_shows_one_step_and_holds_the_others() -> None:
    steps = [step(number, number) for number in range(2)]
    figure = replay_figure(film(), steps, CLASSES, 2)
    assert [frame.name for frame in figure.frames] == ["0", "1", "5"]
    cursor = figure.data[3]
    assert list(cursor.x) == [5, 5]
    assert cursor.textposition == "top left"
    words = [trace.text[0] for trace in figure.data if trace.type == "scatter" and trace.mode == "text"]
    assert words == ["<b>dog · 70%</b>", "cat · 80%"]
    assert len(figure.layout.images) == 2
    for number, frame in enumerate(figure.frames):
        for place, change in zip(frame.traces, frame.data, strict=True):
            figure.data[place].update(change.to_plotly_json())
        assert figure.data == replay_figure(film(), steps, CLASSES, number).data
    forgotten = replay_figure(film(), steps, CLASSES, 2).data[5]
    assert forgotten.marker.color == FORGET
    np.testing.assert_allclose(forgotten.x, film()["places"][2, :2, 0], rtol=1e-6)


def test_the_words_at_the_last_step_stand_inside_while_frames_are_missing() -> None:
    ends = {
        **film(),
        **{name: film()[name][[0, 2]] for name in ("steps", "classes", "tops", "maps", "places")},
    }
    for number, place in enumerate(("top right", "top left")):
        assert replay_figure(ends, [step(0, 0), step(1, 1)], CLASSES, number).data[3].textposition == place


def test_the_dial_marks_the_chosen_point() -> None:
    line = {
        "strengths": np.array([0, 0.5, 1.0]),
        "all_strengths": np.array([0, 0.5, 1.0]),
        "forget": np.array([100.0, 50, 0]),
        "retain": np.array([100.0, 99, 98]),
        "test": np.array([97.0, 96, 95]),
    }
    figure = interpolation_figure(line, 0.5)
    assert list(figure.data[0].x) == [0, 50, 100]
    assert list(figure.data[0].y) == [100, 50, 0]
    assert figure.layout.shapes[0].x0 == 50
    assert figure.data[0].mode == "lines"
    # What is not measured yet is not drawn as if it were.
    missing = {**line, "all_strengths": np.array([0, 0.5, 1.0, 1.5])}
    assert interpolation_figure(missing, 0.5).data[0].mode == "lines+markers"


def test_a_dot_of_the_transitions_names_its_classes(comparison: Comparison) -> None:
    figure = transition_figure(transitions(comparison, RETAIN), CLASSES)
    kept, moved = figure.data
    assert (kept.marker.color, moved.marker.color) == (BEFORE, AFTER)
    assert [list(pair) for pair in moved.customdata] == [[2, 1]]
    assert (list(moved.y), list(moved.x)) == ([CLASSES[2]], [CLASSES[1]])
    assert kept.marker.size[0] > moved.marker.size[0]


def test_confidence_before_is_across_and_after_is_up(comparison: Comparison) -> None:
    forget = confidence_figure(comparison).data[-1]
    assert forget.name == "to forget (D_f)"
    np.testing.assert_allclose(forget.x, [50, 55], rtol=1e-5)
    np.testing.assert_allclose(forget.y, [5, 10], rtol=1e-5)


def test_moves_lead_from_before_to_after(comparison: Comparison) -> None:
    drift = {
        "positions": np.array([0, 4, 3]),
        "before": np.array([[0, 0], [1, 1], [2, 2]], np.float32),
        "after": np.array([[0, 5], [1, 6], [2, 2]], np.float32),
        "layers": np.array(["network.conv1", "network.fc"]),
        "cka": np.array([1.0, 0.5]),
    }
    kept, _, flipped, lines, forgotten = moves_figure(comparison, drift).data
    assert (list(kept.x), list(flipped.y), list(forgotten.y)) == ([2], [6], [5])
    assert list(lines.y) == [0, 5, None]
    alike = layers_alike_figure(drift).data[0]
    gaps = layers_alike_figure({**drift, "cka": np.array([0.4, np.nan])})
    assert gaps.layout.xaxis.range[0] == pytest.approx(0.35)
    assert (list(alike.y), list(alike.x)) == (["conv1", "fc"], [1.0, 0.5])


def test_the_map_rings_what_is_picked() -> None:
    n = 4
    table = ImageTable(
        ids=np.arange(10, 10 + n),
        is_test=np.zeros(n, bool),
        labels=np.array([0, 1, 2, 0]),
        labelled=np.ones(n, bool),
        predictions=np.array([0, 1, 2, 1]),
        top_confidences=np.linspace(0.5, 1, n, dtype=np.float32),
        confidences=np.linspace(0.1, 1, n, dtype=np.float32),
        losses=np.linspace(2, 0, n, dtype=np.float32),
        thumbnails=np.zeros((n, 28, 28, 1), np.uint8),
        class_names=CLASSES,
        own_names=CLASSES,
        own_classes=np.arange(len(CLASSES)),
        own_how=("name",) * len(CLASSES),
        notes=(),
    )
    places: dict[str, Any] = {"ids": table.ids, "places": np.arange(2 * n, dtype=np.float32).reshape(n, 2)}
    for colour in ("class", "prediction", "confidence", "loss"):
        dots, rings = map_figure(table, places, np.array([3, 1]), colour, [11]).data
        assert list(dots.customdata) == [13, 11]
        assert list(dots.x) == [6, 2]
        assert (list(rings.x), list(rings.y)) == ([2], [3])


def test_class_names_stand_in_the_midst_of_their_dots() -> None:
    places = np.array([[0.0, 0], [2, 0], [1, 9], [5, 5]])
    first, second = class_captions(places, np.array([0, 0, 0, 1]), ["cat, tabby", "dog"], "2")
    assert (first["text"], first["x"], first["y"]) == ("<b>cat</b>", 1, 0)
    assert (second["x"], second["xref"], second["yref"]) == (5, "x2", "y2")
    many = np.arange(50)
    assert class_captions(np.zeros((50, 2)), many, [str(one) for one in many]) == []


def test_runs_are_told_apart_by_method_and_then_by_id(store: Store) -> None:
    point = {"step": 0, "forgotten": 0.0, "retain": 99.0}
    ids = []
    for number, method in enumerate(("adv", "anchor", "adv")):
        ids.append(store.create(ForgetRequest()).id)
        came = result(method=method, images=f"set {number}", frontier=[point])
        store.finish(ids[-1], RunState.DONE, result=came)
    lines = compare(store, ids).runs
    assert titles(lines) == [f"adv {ids[0]}", "anchor", f"adv {ids[2]}"]
    figure = frontier_figure(lines)
    assert [trace.name for trace in figure.data] == titles(lines)
    assert (list(figure.data[0].x), list(figure.data[0].y)) == ([0], [99])
    steps = [[step(1, 2, seconds=1.0, retain_accuracy=97.0), step(2, 2)], [], []]
    forgotten = curves_figure(lines, steps, retained=False).data[0]
    assert (list(forgotten.x), list(forgotten.y)) == ([1.0, 2.0], [50.0, 50.0])
    kept = curves_figure(lines, steps, retained=True).data[0]
    assert (list(kept.x), list(kept.y)) == ([1.0], [97.0])


def test_default_pictures_are_forgotten_kept_and_flipped(comparison: Comparison) -> None:
    assert choose_pictures(comparison) == [100, 102, 104]
    assert choose_pictures(comparison, forgotten=3) == [100, 101, 102, 104]
