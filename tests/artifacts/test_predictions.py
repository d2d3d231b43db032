from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.run_folder import write_predictions
from unlearn_core.artifacts.predictions import (
    FORGET,
    RETAIN,
    TEST,
    class_changes,
    group_change,
    read_comparison,
)
from unlearn_core.errors import UserError


def test_accuracy_of_each_group_counted_by_hand(tmp_path: Path) -> None:
    write_predictions(tmp_path)
    comparison = read_comparison(tmp_path)
    forget, retain, test = (group_change(comparison, group) for group in (FORGET, RETAIN, TEST))
    assert forget is not None
    assert (forget.n, forget.before, forget.after) == (2, 100, 0)
    assert retain is not None
    assert (retain.agreement, retain.n, retain.before, retain.after) == (False, 5, 80, 60)
    assert test is not None
    assert test.after == pytest.approx(200 / 3)


def test_without_labels_it_is_agreement_with_the_original(tmp_path: Path) -> None:
    write_predictions(tmp_path, labelled=False)
    change = group_change(read_comparison(tmp_path), RETAIN)
    assert change is not None
    assert (change.agreement, change.before, change.after) == (True, 100, 80)


def test_flipped_pictures_come_surest_first(tmp_path: Path) -> None:
    write_predictions(tmp_path)
    comparison = read_comparison(tmp_path)
    assert comparison.ids[comparison.flipped(RETAIN)].tolist() == [104]
    assert comparison.ids[comparison.flipped(FORGET)].tolist() == [101, 100]


def test_classes_before_and_after(tmp_path: Path) -> None:
    write_predictions(tmp_path)
    classes, before, after = class_changes(read_comparison(tmp_path), RETAIN)
    assert classes.tolist() == [0, 1, 2]
    assert before.tolist() == [100, 50, 100]
    assert after.tolist() == [100, 50, 0]


def test_an_empty_group_has_no_change(tmp_path: Path) -> None:
    write_predictions(tmp_path)
    with np.load(tmp_path / "predictions.npz") as arrays:
        fields = dict(arrays)
    fields["group"] = np.where(fields["group"] == TEST, RETAIN, fields["group"])
    np.savez(tmp_path / "predictions.npz", **fields)
    assert group_change(read_comparison(tmp_path), TEST) is None


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 broken", b"x" * 1000])
def test_missing_or_damaged_predictions_are_one_sentence(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "predictions.npz").write_bytes(content)
    with pytest.raises(UserError, match="missing or damaged: run it again"):
        read_comparison(tmp_path)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("after", np.full(10, 3)),
        ("before", np.full(10, -2)),
        ("ids", np.arange(9)),
        ("after", np.zeros((10, 2), int)),
    ],
)
def test_arrays_that_do_not_fit_together_are_damage(
    tmp_path: Path, name: str, values: NDArray[np.int64]
) -> None:
    write_predictions(tmp_path)
    with np.load(tmp_path / "predictions.npz") as arrays:
        other = {**arrays, name: values}
    np.savez_compressed(tmp_path / "predictions.npz", **other)
    with pytest.raises(UserError, match="are missing or damaged"):
        read_comparison(tmp_path)
