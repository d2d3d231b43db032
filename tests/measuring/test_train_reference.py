import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from unlearn_core.artifacts.never_seen import NeverSeen, never_seen_file, read_never_seen, write_never_seen
from unlearn_core.catalog.class_match import ClassMatch
from unlearn_core.catalog.image_sets import ImageSet
from unlearn_core.errors import UserError
from unlearn_core.measuring.train_reference import train_reference

PICTURES, TEST = 24, 4


class Remembers(nn.Module):
    """Predicts class 0 for pictures that it was trained on and class 1 for all others."""

    def __init__(self, seen: NDArray[np.uint8], seed: int) -> None:
        super().__init__()
        self.seen, self.seed = set(seen[:, 0, 0, 0].tolist()), seed

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        first = (pixels[:, 0, 0, 0] * 255).round().int().tolist()
        return torch.tensor([[10.0, 0.0] if one in self.seen else [0.0, float(self.seed)] for one in first])


def images() -> ImageSet:
    pixels = np.arange(PICTURES + TEST, dtype=np.uint8)[:, None, None, None].repeat(2, 1).repeat(2, 2)
    is_test = np.arange(PICTURES + TEST) >= PICTURES
    n = len(pixels)
    return ImageSet(
        name="tiny",
        pixels=pixels,
        ids=10 * np.arange(n),
        is_test=is_test,
        labels=np.ones(n, np.int64),
        labelled=np.ones(n, np.bool_),
        class_names=("seen", "unseen"),
        files=(),
        own_names=("seen", "unseen"),
        match=ClassMatch((0, 1), ("name", "name")),
        notes=(),
    )


def test_no_classifier_was_trained_on_the_pictures_that_it_is_asked_about(tmp_path: Path) -> None:
    seeds: list[int] = []

    def train(seen: NDArray[np.uint8], labels: NDArray[np.int64], seed: int) -> nn.Module:
        seeds.append(seed)
        assert len(seen) == len(labels) == PICTURES - PICTURES // 4
        assert seen.max() < PICTURES, "a test picture was trained on"
        return Remembers(seen, seed)

    found = train_reference(images(), train, tmp_path / "a" / "b", folds=4, repeats=3)
    assert seeds == list(range(1, 13))
    assert found.ids.tolist() == [10 * one for one in range(PICTURES)]
    assert found.logits.shape == (3, PICTURES, 2)
    assert (found.logits.argmax(2) == 1).all()
    assert (found.recognised() == 1).all()
    # The logit of the second class names the classifier: each repeat has four, of six pictures each.
    for repeat in range(3):
        own, counts = np.unique(found.logits[repeat, :, 1], return_counts=True)
        assert own.tolist() == [4 * repeat + fold + 1 for fold in range(4)]
        assert counts.tolist() == [6] * 4
    assert not np.array_equal(found.logits[0, :, 1] - 4, found.logits[1, :, 1] - 8)


def test_what_is_trained_already_is_not_trained_again(tmp_path: Path) -> None:
    first = train_reference(
        images(), lambda seen, _, seed: Remembers(seen, seed), tmp_path, folds=4, repeats=1
    )

    def never(*_: object) -> nn.Module:
        raise AssertionError("trained again")

    again = train_reference(images(), never, tmp_path, folds=4, repeats=1)
    assert np.array_equal(first.logits, again.logits)


@pytest.mark.parametrize(("folds", "repeats"), [(1, 1), (2, 0), (PICTURES + 1, 1)])
def test_impossible_folds_are_one_sentence(tmp_path: Path, folds: int, repeats: int) -> None:
    with pytest.raises(UserError, match="at least 2 folds"):
        train_reference(images(), lambda *_: nn.Identity(), tmp_path, folds=folds, repeats=repeats)


def test_the_file_and_its_numbers(tmp_path: Path) -> None:
    logits = np.array([[[0, 2], [3, 1]], [[4, 0], [5, 5 - np.log(3)]]], np.float16)
    written = NeverSeen(np.array([7, 3]), np.array([1, 0]), logits)
    write_never_seen(tmp_path / "c@i.npz", written)
    read = read_never_seen(tmp_path / "c@i.npz")
    assert read.recognised().tolist() == [0.5, 1.0]
    assert read.margins().tolist() == pytest.approx(np.array([[2, 2], [-4, np.log(3)]]), abs=1e-2)
    assert read.confidences()[1, 1] == pytest.approx(0.75, abs=1e-3)
    part = read.of(np.array([3]))
    assert part is not None
    assert part.logits.tolist() == logits[:, 1:].tolist()
    assert read.of(np.array([3, 8])) is None
    # Without the picture 3 its label has (0.98 + 0.75) / 2 on average; of 8 nothing is known.
    found = read.memorisation(np.array([3, 8]), np.array([1, 1], np.float32))
    expected = 1 - (1 / (1 + np.exp(-2)) + 0.75) / 2
    assert found.tolist() == pytest.approx([expected, np.nan], abs=1e-3, nan_ok=True)


def test_damaged_files_are_one_sentence(tmp_path: Path) -> None:
    none, one = np.empty(0, np.int64), np.zeros(1, np.int64)
    wrong: tuple[tuple[NDArray[Any], NDArray[Any]], ...] = (
        (none, np.empty((4, 0, 10))),
        (one, np.zeros((4, 2, 10))),
        (one, np.zeros((0, 1, 10))),
        (one[:, None], np.zeros((4, 1, 10))),
        (one + 10, np.zeros((4, 1, 10))),
        (one - 1, np.zeros((4, 1, 10))),
        (one.astype(float), np.zeros((4, 1, 10))),
    )
    for ids, logits in wrong:
        write_never_seen(tmp_path / "c@i.npz", NeverSeen(ids, ids, logits.astype(np.float16)))
        with pytest.raises(UserError, match="delete it, or make it again"):
            read_never_seen(tmp_path / "c@i.npz")
    with zipfile.ZipFile(tmp_path / "c@i.npz", "w") as archive:
        for name in ("ids", "labels", "logits", "fingerprint"):
            archive.writestr(f"{name}.npy", b"no array")
    with pytest.raises(UserError, match="delete it, or make it again"):
        read_never_seen(tmp_path / "c@i.npz")
    (tmp_path / "c@i.npz").write_bytes(b"no archive")
    with pytest.raises(UserError, match="delete it, or make it again"):
        read_never_seen(tmp_path / "c@i.npz")


def test_of_other_pictures_with_the_same_ids_nothing_is_known(tmp_path: Path, own_home: Path) -> None:
    written = NeverSeen(np.array([7]), np.array([1]), np.zeros((1, 1, 10), np.float16), "other digits")
    write_never_seen(tmp_path / "c@i.npz", written)
    read = read_never_seen(tmp_path / "c@i.npz")
    assert not read.is_of("mnist-resnet", "mnist")
    assert replace(read, fingerprint="").is_of("mnist-resnet", "mnist")
    shipped = never_seen_file("mnist-resnet", "mnist")
    assert shipped is not None
    shipped_now = read_never_seen(shipped)
    assert shipped_now.fingerprint
    assert shipped_now.is_of("mnist-resnet", "mnist")
