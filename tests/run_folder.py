"""A finished run made by hand, small enough to know every number of it."""

from pathlib import Path

import numpy as np

CLASSES = ("cat", "dog", "cow, Bos taurus")


def write_predictions(folder: Path, labelled: bool = True) -> None:
    """Write ten pictures: 2 forgotten, 5 retained of which 1 flips, 3 test pictures of which 1 flips."""
    n = 10
    labels = np.array([0, 1, 0, 1, 2, 0, 1, 2, 0, 1])
    before = np.array([0, 1, 0, 1, 2, 0, 2, 2, 0, 1])
    after = np.array([1, 0, 0, 1, 1, 0, 2, 2, 0, 0])
    np.savez_compressed(
        folder / "predictions.npz",
        ids=np.arange(100, 100 + n),
        image_set=np.zeros(n, np.int8),
        group=np.array([0, 0, 1, 1, 1, 1, 1, 2, 2, 2], np.int8),
        labels=labels,
        labelled=np.full(n, labelled),
        before=before,
        after=after,
        before_confidences=np.linspace(0.5, 0.95, n, dtype=np.float32),
        after_confidences=np.linspace(0.05, 0.5, n, dtype=np.float32),
        before_top=np.linspace(0.5, 0.95, n, dtype=np.float32),
        after_top=np.linspace(0.4, 0.85, n, dtype=np.float32),
        class_names=np.array(CLASSES),
    )


def write_weight_maps(folder: Path) -> None:
    """Write two layers: in the first change follows importance, in the second it runs against it."""
    ramp = np.linspace(0, 1, 200, dtype=np.float32).reshape(10, 20)
    np.savez_compressed(
        folder / "weight_maps.npz",
        layers=np.array(["network.conv1", "network.fc"]),
        sizes=np.array([1800, 200]),
        importance_0=ramp,
        change_0=ramp**2,
        importance_1=ramp,
        change_1=1 - ramp,
    )
