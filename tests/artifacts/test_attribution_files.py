"""Attribution maps, their quality and adversarial neighbours: what is written is read back."""

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from unlearn_core.artifacts.adversarial_neighbours import AdversarialNeighbours, read_adversarial_neighbours
from unlearn_core.artifacts.attribution_maps import NO_CLASS, Attributions, read_attributions
from unlearn_core.artifacts.attribution_quality import (
    AttributionQuality,
    MapQuality,
    read_attribution_quality,
)
from unlearn_core.artifacts.attribution_sanity import SanityCheck, read_sanity_check
from unlearn_core.common.files import write_compressed
from unlearn_core.errors import UserError

READERS = (read_attributions, read_attribution_quality, read_adversarial_neighbours, read_sanity_check)


@pytest.mark.parametrize(
    ("kind", "read"),
    [
        (Attributions, read_attributions),
        (AdversarialNeighbours, read_adversarial_neighbours),
        (SanityCheck, read_sanity_check),
    ],
)
def test_every_field_is_read_back_in_its_place(
    kind: type[Any], read: Callable[[Path], Any], tmp_path: Path
) -> None:
    names = [field.name for field in fields(kind)]
    whole = kind(**{name: np.full(3, number) for number, name in enumerate(names)})
    write_compressed(tmp_path / "KEY.npz", whole.arrays())
    found = read(tmp_path / "KEY.npz")
    assert [getattr(found, name).tolist() for name in names] == [[number] * 3 for number in range(len(names))]


def test_maps_of_version_0_1_0_have_no_opponents(tmp_path: Path) -> None:
    later = {"against", "scores_before", "scores_after"}
    names = {field.name for field in fields(Attributions)} - later
    write_compressed(tmp_path / "KEY.npz", {name: np.zeros(3) for name in names})
    found = read_attributions(tmp_path / "KEY.npz")
    assert found.against.tolist() == [NO_CLASS] * 3
    assert np.isnan([found.scores_before, found.scores_after]).all()
    assert found.scores_after.shape == (3, 2)


def test_qualities_of_version_0_1_0_have_no_curves(tmp_path: Path) -> None:
    names = [f"{when}_{field.name}" for when in ("before", "after") for field in fields(MapQuality)]
    write_compressed(tmp_path / "KEY.npz", {name: np.zeros(3) for name in ("ids", *names)})
    found = read_attribution_quality(tmp_path / "KEY.npz")
    assert found.after.infidelity.tolist() == [0] * 3
    assert np.isnan(found.deletion).all()
    assert found.insertion.shape == (3, 2, 11)


def test_quality_before_and_after_stay_apart(tmp_path: Path) -> None:
    before, after = (MapQuality(*(np.full(2, start + n) for n in range(3))) for start in (0.0, 10.0))
    curves = np.arange(44.0).reshape(2, 2, 11)
    write_compressed(
        tmp_path / "KEY.npz", AttributionQuality(np.array([3, 14]), before, after, curves, -curves).arrays()
    )
    with np.load(tmp_path / "KEY.npz") as arrays:
        assert arrays["after_convergence_delta"].tolist() == [12, 12]
    found = read_attribution_quality(tmp_path / "KEY.npz")
    assert found.ids.tolist() == [3, 14]
    assert found.before.convergence_delta.tolist() == [2, 2]
    assert [found.after.infidelity[0], found.after.sensitivity[0]] == [10, 11]
    assert np.array_equal(found.deletion, curves)
    assert np.array_equal(found.insertion, -curves)


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("content", [b"", b"damaged", None])
def test_a_damaged_file_is_one_sentence(
    read: Callable[[Path], Any], content: bytes | None, tmp_path: Path
) -> None:
    path = tmp_path / "KEY.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=r"KEY\.npz cannot be read: run it again"):
        read(path)


@pytest.mark.parametrize("read", READERS)
def test_a_file_of_another_kind_is_one_sentence(read: Callable[[Path], Any], tmp_path: Path) -> None:
    write_compressed(tmp_path / "KEY.npz", {"ids": np.array([3])})
    with pytest.raises(UserError, match="cannot be read"):
        read(tmp_path / "KEY.npz")
