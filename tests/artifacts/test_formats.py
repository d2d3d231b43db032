"""What is written is read again, and a damaged file is one sentence."""

import json
import zipfile
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.made import step
from tests.run_folder import write_predictions
from unlearn_core.artifacts.image_table import ImageTable, read_image_table, write_image_table
from unlearn_core.artifacts.predictions import read_comparison, write_comparison
from unlearn_core.artifacts.steps import append_step, read_steps, replace_steps
from unlearn_core.artifacts.weight_maps import WeightMaps, read_weight_maps, write_weight_maps
from unlearn_core.errors import UserError


def assert_same(one: Any, other: Any) -> None:
    """Compare two dataclasses of arrays, texts and tuples of arrays."""
    for field in fields(one):
        first, second = getattr(one, field.name), getattr(other, field.name)
        assert type(first) is type(second), field.name
        pairs = zip(first, second, strict=True) if isinstance(first, tuple) else [(first, second)]
        for left, right in pairs:
            np.testing.assert_array_equal(left, right, err_msg=field.name)
            assert np.asarray(left).dtype == np.asarray(right).dtype, field.name


def test_predictions_come_back(tmp_path: Path) -> None:
    (tmp_path / "again").mkdir()
    write_predictions(tmp_path)
    comparison = read_comparison(tmp_path)
    write_comparison(tmp_path / "again", comparison)
    assert_same(read_comparison(tmp_path / "again"), comparison)


def test_weight_maps_come_back(tmp_path: Path) -> None:
    ramp = np.linspace(0, 1, 12, dtype=np.float32)
    maps = WeightMaps(
        layers=("conv", "fc"),
        sizes=np.array([108, 12]),
        importance=(ramp.reshape(3, 4), ramp.reshape(2, 6)),
        change=(1 - ramp.reshape(3, 4), ramp.reshape(2, 6) ** 2),
    )
    write_weight_maps(tmp_path, maps)
    assert_same(read_weight_maps(tmp_path), maps)


def table() -> ImageTable:
    return ImageTable(
        ids=np.array([3, 14]),
        is_test=np.array([False, True]),
        labels=np.array([0, 1]),
        labelled=np.array([True, False]),
        predictions=np.array([0, 1]),
        top_confidences=np.array([0.9, 0.8], np.float32),
        confidences=np.array([0.9, 0.8], np.float32),
        losses=np.array([0.1, 0.2], np.float32),
        thumbnails=np.zeros((2, 4, 4, 1), np.uint8),
        class_names=("Katze", "Hündin"),
        own_names=(),
        own_classes=np.empty(0, np.int64),
        own_how=(),
        notes=("These pictures are grey.",),
    )


def test_image_tables_come_back_with_empty_lists_of_names(tmp_path: Path) -> None:
    write_image_table(tmp_path / "a.npz", table())
    assert_same(read_image_table(tmp_path / "a.npz"), table())
    named = replace(table(), files=("Käse/1.png", ""))
    write_image_table(tmp_path / "b.npz", named)
    assert_same(read_image_table(tmp_path / "b.npz"), named)


def test_steps_come_back_line_by_line(tmp_path: Path) -> None:
    assert read_steps(tmp_path) == []
    steps = [step(0), step(1, 3, loss=0.25, retain_accuracy=99.5)]
    for one in steps:
        append_step(tmp_path, one)
    assert read_steps(tmp_path) == steps
    second = json.loads((tmp_path / "steps.jsonl").read_text(encoding="utf-8").splitlines()[1])
    assert list(second) == [
        *("step", "loss", "forget_loss", "retain_loss", "forgotten", "k", "forget_accuracy"),
        *("anchor_agreement", "retention_weight", "repairing", "repair_until", "demanded_share"),
        *("predictions", "confidences", "label_confidences", "retain_accuracy", "seconds"),
    ]
    replace_steps(tmp_path, steps[:1])
    assert read_steps(tmp_path) == steps[:1]


def _cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _overwritten(path: Path) -> None:
    """Damage the content of the first array alone: the list of files at the end stays right."""
    with zipfile.ZipFile(path) as file:
        first, second = file.infolist()[:2]
    content = bytearray(path.read_bytes())
    start = first.header_offset + 30 + len(first.filename) + 20
    content[start : second.header_offset] = b"\xff" * (second.header_offset - start)
    path.write_bytes(content)


def _of_something_else(path: Path) -> None:
    np.savez(path, other=np.zeros(3))


@pytest.mark.parametrize("damage", [Path.unlink, _cut_off, _overwritten, _of_something_else])
@pytest.mark.parametrize("kind", ["predictions", "weight_maps", "table"])
def test_damaged_files_are_one_sentence(tmp_path: Path, kind: str, damage: Callable[[Path], None]) -> None:
    maps = WeightMaps(
        ("fc",), np.array([400]), (np.eye(20, dtype=np.float32),), (np.eye(20, dtype=np.float32),)
    )
    write_weight_maps(tmp_path, maps)
    write_predictions(tmp_path)
    write_image_table(tmp_path / "table.npz", table())
    damage(tmp_path / f"{kind}.npz")
    read: dict[str, Callable[[], object]] = {
        "predictions": lambda: read_comparison(tmp_path),
        "weight_maps": lambda: read_weight_maps(tmp_path),
        "table": lambda: read_image_table(tmp_path / "table.npz"),
    }
    with pytest.raises(UserError, match=r"again\.$"):
        read[kind]()


@pytest.mark.parametrize("line", ["{}", "[1, 2]", '{"step": "x"}', "\xff"])
def test_a_line_that_is_no_step_is_one_sentence(tmp_path: Path, line: str) -> None:
    append_step(tmp_path, step(0))
    with (tmp_path / "steps.jsonl").open("a", encoding="latin-1") as file:
        file.write(f"{line}\n")
    with pytest.raises(UserError, match="are damaged"):
        read_steps(tmp_path)
