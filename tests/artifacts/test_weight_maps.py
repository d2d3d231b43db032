from pathlib import Path

import numpy as np
import pytest

from tests.run_folder import write_weight_maps
from unlearn_core.artifacts.weight_maps import (
    layer_means,
    pooled,
    read_weight_maps,
    share_in_most_important,
)
from unlearn_core.common.rank_correlation import rank_correlation
from unlearn_core.errors import UserError


def test_layers_are_read_in_order_with_their_means(tmp_path: Path) -> None:
    write_weight_maps(tmp_path)
    maps = read_weight_maps(tmp_path)
    assert maps.layers == ("network.conv1", "network.fc")
    importance, change = layer_means(maps)
    assert importance == pytest.approx([0.5, 0.5], abs=1e-6)
    assert change[1] == pytest.approx(np.sqrt(np.mean(np.linspace(0, 1, 200) ** 2)), abs=1e-6)


def test_rank_correlation_of_known_maps(tmp_path: Path) -> None:
    write_weight_maps(tmp_path)
    maps = read_weight_maps(tmp_path)
    assert rank_correlation(maps.importance[0], maps.change[0]) == pytest.approx(1)
    assert rank_correlation(maps.importance[1], maps.change[1]) == pytest.approx(-1)
    assert np.isnan(rank_correlation(maps.importance[0], np.zeros((10, 20), np.float32)))


def test_the_share_of_change_in_the_most_important_cells_by_hand() -> None:
    importance = np.arange(20, dtype=np.float32).reshape(4, 5)
    change = np.ones((4, 5), np.float32)
    assert share_in_most_important(importance, change) == pytest.approx(5)
    change[-1, -1] = 9
    assert share_in_most_important(importance, change) == pytest.approx(81)
    assert np.isnan(share_in_most_important(importance, 0 * change))


def test_pooling_keeps_the_mean_and_leaves_small_maps_alone() -> None:
    cells = np.arange(192 * 96, dtype=np.float32).reshape(192, 96)
    small = pooled(cells)
    assert small.shape == (96, 96)
    assert small.mean() == pytest.approx(cells.mean())
    assert small[0, 0] == pytest.approx((cells[0, 0] + cells[1, 0]) / 2)
    assert pooled(cells[:5, :7]).shape == (5, 7)


def test_damaged_maps_are_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "weight_maps.npz").write_bytes(b"nothing")
    with pytest.raises(UserError, match="missing or damaged"):
        read_weight_maps(tmp_path)
