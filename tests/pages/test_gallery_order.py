"""The order in which the gallery shows pictures, and how it describes them."""

from dataclasses import replace

import numpy as np
import pytest

from pages.forget.gallery import describe
from pages.forget.gallery_filters import mixed_order
from unlearn_core.artifacts.image_table import ImageTable


def table(labelled: bool, confidences: list[float]) -> ImageTable:
    n = len(confidences)
    sure = np.array(confidences, np.float32)
    return ImageTable(
        ids=np.arange(n),
        is_test=np.zeros(n, bool),
        labels=np.zeros(n, np.int64),
        labelled=np.full(n, labelled),
        predictions=np.zeros(n, np.int64),
        top_confidences=sure,
        confidences=sure,
        losses=-np.log(sure),
        thumbnails=np.zeros((n, 8, 8, 1), np.uint8),
        class_names=("one", "two"),
        own_names=(),
        own_classes=np.empty(0, np.int64),
        own_how=(),
        notes=(),
    )


def test_of_pictures_without_labels_the_sure_ones_stand_in_front_by_id() -> None:
    order = np.argsort(mixed_order(table(False, [0.38, 0.95, 0.3, 0.6, 0.99])), kind="stable")
    assert order.tolist() == [1, 3, 4, 0, 2]


def test_labelled_pictures_are_mixed_the_same_way_each_time() -> None:
    whole = table(True, [0.5] * 100)
    order = np.argsort(mixed_order(whole), kind="stable")
    assert sorted(order.tolist()) == list(range(100))
    assert order.tolist() != list(range(100))
    assert mixed_order(whole).tolist() == mixed_order(whole).tolist()


def test_a_picture_is_described_with_its_file_but_not_to_strangers(monkeypatch: pytest.MonkeyPatch) -> None:
    named = replace(table(True, [0.5, 0.75]), files=("cat/a.png", ""))
    assert describe(named, 0) == "one, id 0, confidence 50%, a.png"
    assert describe(named, 1) == "one, id 1, confidence 75%"
    monkeypatch.setenv("UNLEARN_SHARED", "1")
    assert "a.png" not in describe(named, 0)
