"""Figures and pictures are pure functions: what they are given is what they show."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from pages.attributions.attribution_grid import map_grid_html
from pages.before_after.change_figures import class_figure, most_changed, unseen_figure
from pages.compare.run_maps import run_maps_html
from pages.shared.attribution_pictures import MapRow, contact_sheet, maps_html
from pages.shared.live_chart import live_chart, repair_from
from pages.shared.palette import AFTER, BEFORE, FORGET, RETAIN
from pages.shared.thumbnails import Captioned, pictures_html
from pages.weights.weight_figures import layers_figure, maps_figure, network_figure
from tests.made import step
from unlearn_core.artifacts.attribution_maps import AGAINST, FOR, Attributions, common_scale, overlay
from unlearn_core.artifacts.never_seen import NeverSeen


def test_classes_are_two_points_on_a_line() -> None:
    figure = class_figure(["cat", "dog"], np.array([100.0, 90]), np.array([95.0, 90]))
    before, after = figure.data[-2:]
    assert (before.name, list(before.x), before.marker.color) == ("before", [100, 90], BEFORE)
    assert (after.name, list(after.x), after.marker.color) == ("after", [95, 90], AFTER)


def test_what_was_never_seen_is_a_third_point_on_the_line() -> None:
    logits = np.array([[[0, 0], [9, 0]], [[0, 9], [9, 0]]], np.float16)
    unseen = NeverSeen(np.array([3, 14]), np.array([0, 1]), logits)
    figure = unseen_figure(["3", "14"], np.array([99, 98], np.float32), np.array([4, 5], np.float32), unseen)
    ring = figure.data[-1]
    assert ring.name == "if never trained on"
    assert list(ring.x) == pytest.approx([25, 0], abs=0.1)
    assert ring.customdata.tolist() == [1, 0]
    assert [list(one.x) for one in figure.data[-3:-1]] == [[99, 98], [4, 5]]


def test_of_many_classes_those_that_changed_most_are_drawn() -> None:
    before = np.full(1000, 80.0)
    after = before.copy()
    after[[7, 500, 900]] = [10, 79, 90]
    assert most_changed(np.arange(1000), before, after).tolist() == [7, 500, 900]
    assert most_changed(np.arange(10), before[:10], before[:10]).tolist() == list(range(10))


def test_a_line_stands_where_settling_begins() -> None:
    steps = [step(0, 0), step(1, 3), step(2, 4)]
    assert repair_from(steps) is None
    assert not live_chart(steps).layout.shapes
    steps += [step(3, 3), step(4, 4)]
    assert repair_from(steps) == 2
    assert [line.x0 for line in live_chart(steps).layout.shapes] == [2]
    assert repair_from([step(0, 0), step(1, 1)]) is None


def test_the_live_chart_leaves_out_what_was_not_measured() -> None:
    steps = [
        step(0, 0, forget_accuracy=100.0, retain_accuracy=99.0, anchor_agreement=None),
        step(1, 4, forget_accuracy=0.0, retain_accuracy=None, anchor_agreement=98.0),
    ]
    forget, retain, anchors = live_chart(steps).data
    assert (list(forget.y), forget.line.color) == ([100, 0], FORGET)
    assert (list(retain.x), retain.line.color) == ([0], RETAIN)
    assert list(anchors.y) == [98]


def test_layers_and_maps_show_their_numbers() -> None:
    figure = layers_figure(["a", "b"], np.array([0.1, 0.2]), np.array([1e-3, 2e-3]), 1)
    assert list(figure.data[0].y) == [0.1, 0.2]
    assert list(figure.data[1].y) == [1e-3, 2e-3]
    three = layers_figure(["a"], np.ones(1), np.ones(1), 0, contrast=np.array([0.5])).data
    assert [bars.y[0] for bars in three] == [1, 0.5, 1]
    cells = np.arange(6, dtype=np.float32).reshape(2, 3)
    importance, rows, change, _ = maps_figure(cells / np.float32(5), cells).data
    assert importance.zmax == 1
    assert change.zmax == 5
    assert np.array_equal(change.z, cells)
    assert list(rows.customdata) == list(range(len(cells)))


def test_a_large_layer_is_drawn_in_blocks_that_lie_where_their_filters_are() -> None:
    cells = np.arange(200, dtype=np.float32)[:, None].repeat(2, 1)
    shown = maps_figure(cells, cells).data[0]
    assert len(shown.z) == 96
    middles = shown.y0 + shown.dy * np.arange(96)
    np.testing.assert_allclose(shown.z[:, 0], middles, atol=1)


def test_the_whole_network_is_boxes_in_boxes() -> None:
    layers = ["conv1", "layer1.conv1", "layer1.conv2"]
    boxes = network_figure(layers, np.array([10, 30, 60]), np.array([1.0, 2.0, 4.0]), True).data[0]
    assert dict(zip(boxes.ids, boxes.parents, strict=True)) == {
        "whole network": "",
        "conv1": "whole network",
        "layer1": "whole network",
        "layer1.conv1": "layer1",
        "layer1.conv2": "layer1",
    }
    assert list(boxes["values"]) == [100, 10, 90, 30, 60]
    assert list(boxes.marker.colors) == pytest.approx([3.1, 1.0, 300 / 90, 2.0, 4.0])


def test_every_run_has_a_map_of_every_picture() -> None:
    random = np.random.default_rng(0)
    maps = [random.normal(size=(2, 28, 28)).astype(np.float32) for _ in range(3)]
    pictures, ids = random.integers(0, 255, (2, 28, 28, 1), dtype=np.uint8), np.array([3, 14])
    one, scores = ids[:1], np.zeros((1, 2), np.float32)
    shown = [
        [
            Attributions(
                pictures[:1], maps[0][:1], after[:1], one, one, one, scores, scores, one * 1.0, one * 1.0
            )
            for after in maps[1:]
        ]
        for _ in ids
    ]
    words = [["id 3", "2", "2", "7"], ["id 14", "4", "4", "4"]]
    html = run_maps_html(shown, ["before", "anchor", "<b>"], words)
    assert html.count("data:image/png") == 2 * (1 + 1 + 2)
    assert 'style="--columns: 4; --rows: 2"' in html
    assert "id 14" in html
    assert "<b>" not in html


def test_captions_are_words_and_never_markup() -> None:
    html = pictures_html([Captioned(np.zeros((4, 4, 1), np.uint8), "<script>", '"')])
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert html.count("<img") == 1


def test_a_map_is_orange_for_blue_against_and_clear_at_zero() -> None:
    picture = np.full((1, 3, 1), 90, np.uint8)
    values = np.array([[2.0, -2.0, 0.0]], np.float32)
    painted = overlay(picture, values, 2.0, 0.0)
    assert painted[0].tolist() == [list(FOR), list(AGAINST), [90, 90, 90]]
    assert overlay(picture, values, 2.0, 1.0)[0, 2].tolist() == [255, 255, 255]
    half = overlay(picture, values, 4.0, 0.0)[0, 0]
    assert half.tolist() == pytest.approx([(90 + c) / 2 for c in FOR], abs=1)


def test_before_and_after_share_one_scale() -> None:
    weak, strong = np.full((8, 8), 0.1, np.float32), np.full((8, 8), -1.0, np.float32)
    assert common_scale(weak, strong) == pytest.approx(1)
    assert common_scale(0 * weak, 0 * weak) == 1


def some_map_rows() -> list[MapRow]:
    random = np.random.default_rng(0)
    return [
        MapRow(
            random.integers(0, 255, (28, 28, 1), dtype=np.uint8),
            np.ones((28, 28), np.float32),
            np.zeros((28, 28), np.float32),
            words,
            "",
            (("SSIM", "<0.50"),),
        )
        for words in ("1 → 4", "2")
    ]


def test_every_row_has_four_lossless_pictures() -> None:
    rows = some_map_rows()
    html = maps_html(rows, 0.5)
    uris = re.findall(r"data:image/png;base64,([^\"]+)", html)
    assert len(uris) == 4 * len(rows)
    first = np.asarray(Image.open(io.BytesIO(base64.b64decode(uris[0]))))
    assert np.array_equal(first, np.repeat(rows[0].picture, 3, 2))
    assert html.count("&lt;0.50") == 2
    assert "--rows: 2" in html


def test_a_grid_has_each_picture_once_and_three_maps_an_algorithm() -> None:
    rows = some_map_rows()
    html = map_grid_html([[row, row] for row in rows], ["Saliency", "A & B"], 0.5)
    assert html.count("data:image/png") == len(rows) * (1 + 3 * 2)
    assert "A &amp; B" in html
    assert 'style="--algorithms: 2; --rows: 2"' in html
    assert html.count("SSIM &lt;0.50") == 4
    sheet = contact_sheet([[row, row] for row in rows], ["Saliency", "A & B"], 0.5)
    assert sheet.height > 4 * 224
