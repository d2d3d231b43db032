"""`weight_maps.npz` of a run: importance and change of its weights, and statistics."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unlearn_core.common.checksums import check
from unlearn_core.common.damaged import damaged_becomes
from unlearn_core.common.files import write_compressed

_FILE = "weight_maps.npz"


@dataclass(frozen=True)
class WeightMaps:
    """Layers in the order of the forward pass, each with maps of filters × channels.

    Attributes:
        layers: names.
        sizes: weights in each, int64 (layers,).
        importance: MAS importance for the forget set, min-max scaled to [0, 1] per tensor.
        change: root-mean-square change of the weights.
    """

    layers: tuple[str, ...]
    sizes: NDArray[np.int64]
    importance: tuple[NDArray[np.float32], ...]
    change: tuple[NDArray[np.float32], ...]


def read_weight_maps(folder: Path) -> WeightMaps:
    """Read a run's folder; missing or damaged maps raise `UserError`."""
    check(folder / _FILE, f"The weight maps of run {folder.name}")
    with (
        damaged_becomes(f"The weight maps of run {folder.name} are missing or damaged: run it again."),
        np.load(folder / _FILE, allow_pickle=False) as arrays,
    ):
        layers = tuple(arrays["layers"].tolist())
        importance = tuple(arrays[f"importance_{number}"] for number in range(len(layers)))
        change = tuple(arrays[f"change_{number}"] for number in range(len(layers)))
        return WeightMaps(layers, arrays["sizes"], importance, change)


def write_weight_maps(folder: Path, maps: WeightMaps) -> None:
    """Write the maps into a run's folder."""
    arrays: dict[str, ArrayLike] = {"layers": np.array(maps.layers, str), "sizes": maps.sizes}
    for number, (importance, change) in enumerate(zip(maps.importance, maps.change, strict=True)):
        arrays |= {f"importance_{number}": importance, f"change_{number}": change}
    write_compressed(folder / _FILE, arrays)


def layer_means(maps: WeightMaps) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean importance and root-mean-square change of each layer, (layers,) each."""
    importance = np.array([one.mean(dtype=np.float64) for one in maps.importance])
    change = np.array([np.sqrt(np.square(one, dtype=np.float64).mean()) for one in maps.change])
    return importance, change


def share_in_most_important(
    importance: NDArray[np.floating], change: NDArray[np.floating], part: float = 0.05
) -> float:
    """Return the percentage of the squared change in the most important `part` of the cells.

    nan if nothing changed.
    """
    squared = np.square(change, dtype=np.float64).ravel()
    if not squared.any():
        return float("nan")
    count = max(1, round(part * squared.size))
    chosen = np.argsort(-importance.ravel(), kind="stable")[:count]
    return 100 * float(squared[chosen].sum() / squared.sum())


def pooled(cells: NDArray[np.float32], most: int = 96) -> NDArray[np.float32]:
    """Return a map of at most `most` × `most` cells, each the mean of its block, for drawing."""
    for axis in (0, 1):
        size = cells.shape[axis]
        if size > most:
            starts = np.linspace(0, size, most, endpoint=False).astype(int)
            widths = np.diff([*starts, size])
            sums = np.add.reduceat(cells, starts, axis=axis)
            cells = (sums / np.expand_dims(widths, 1 - axis)).astype(np.float32)
    return cells
