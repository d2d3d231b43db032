"""Image sets that torchvision downloads, or finds in `data_dir()`."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unlearn_core.catalog.class_names import DIGITS
from unlearn_core.catalog.sources.base import CatalogImageSet, ImageSetEntry, ImageSource, PictureFile
from unlearn_core.common.home import data_dir
from unlearn_core.common.sharing import is_shared
from unlearn_core.errors import UserError

Parts = tuple[Mapping[str, Any], Mapping[str, Any]]


class TorchvisionSet(CatalogImageSet):
    """A data set of torchvision."""

    def __init__(
        self,
        entry: ImageSetEntry,
        dataset: str,
        parts: Parts,
        *,
        needs: str,
        files: str,
        archives: str,
        arrays: Callable[[Any], tuple[Any, list[int]]],
    ) -> None:
        """Describe the data set.

        Args:
            entry: with the size of the downloads that torchvision's documentation links to.
            dataset: the name of torchvision's class.
            parts: its arguments for training and for test pictures.
            needs: what has to lie in the data folder.
            files: how the names of its files and folders begin, unpacked or not.
            archives: a pattern of what torchvision downloads; "" where it does not.
            arrays: gives the pictures and labels of an object of that class.
        """
        self.entry = entry  # type: ignore[misc]
        self._dataset, self._parts = dataset, parts
        self._needs, self._files, self._archives, self._arrays = needs, files, archives, arrays

    def read(self) -> ImageSource:
        """Return the data set as torchvision reads it, the training pictures first.

        It is read from `data_dir()`, and downloaded to there where there is internet; torchvision checks what
        it unpickles against the authors' checksums. Raises `UserError` where it cannot be had.
        """
        parts = self._read_parts(data_dir())
        pictures, labels = zip(*(self._arrays(part) for part in parts), strict=True)
        ids = np.arange(sum(map(len, labels)))
        return ImageSource(
            _joined(pictures, data_dir()),
            ids,
            ids >= len(labels[0]),
            np.array([label for part in labels for label in part], np.int64),
            _class_names(parts[0]),
        )

    def _read_parts(self, root: Path) -> list[Any]:
        import torchvision.datasets

        make, name = getattr(torchvision.datasets, self._dataset), self.entry.name
        try:
            root.mkdir(parents=True, exist_ok=True)
            more = {"download": not self._is_unpacked(root)} if self._archives else {}
            return [make(root, **arguments, **more) for arguments in self._parts]
        except (OSError, RuntimeError, ValueError) as error:
            if is_shared():
                raise UserError(
                    f"The image set {name} is not on this machine and cannot be downloaded."
                ) from error
            raise UserError(
                f"The image set {name} is not in {root} and cannot be downloaded: give the folder with "
                f"{self._needs} as --data-dir (in the app: UNLEARN_DATA_DIR), or use folder:PATH."
            ) from error

    def fingerprint(self) -> str:
        """Return the name and the folder; that of CIFAR-10 without the folder, as earlier versions had it."""
        return self.entry.name if self is CIFAR10 else f"{self.entry.name} {data_dir()}"

    def is_on_disk(self) -> bool:
        """Tell whether the data folder has files that begin like this set's."""
        root = data_dir()
        return root.is_dir() and any(path.name.startswith(self._files) for path in root.iterdir())

    def arrived(self) -> float:
        """Return how many MB of its archives torchvision has downloaded."""
        found = data_dir().glob(self._archives) if self._archives else ()
        return sum(path.stat().st_size for path in found) / 1e6

    def _is_unpacked(self, root: Path) -> bool:
        """Tell whether the pictures are there: then nothing is fetched, with or without the archive."""
        return self._arrays in (_pets, _samples) and (root / self._needs).is_dir()


def _entry(**facts: Any) -> ImageSetEntry:
    return ImageSetEntry(**{"fits": (), "source": "torchvision", **facts})


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


def _joined(parts: tuple[Any, ...], root: Path) -> list[PictureFile] | NDArray[np.uint8]:
    if isinstance(parts[0], np.ndarray):
        return np.concatenate(parts)
    paths = [path for part in parts for path in part]
    return [PictureFile(path.relative_to(root).as_posix(), path.read_bytes) for path in paths]


def _class_names(data: Any) -> tuple[str, ...]:
    """Return the names of the classes; ImageNet's and Imagenette's are tuples of names each."""
    classes = getattr(data, "classes", None) or DIGITS
    return tuple(name if isinstance(name, str) else ", ".join(name) for name in classes)


_SPLIT = ({"split": "train"}, {"split": "test"})
_TRAIN = ({"train": True}, {"train": False})
CIFAR10 = TorchvisionSet(
    _entry(
        name="cifar10",
        title="CIFAR-10",
        summary="60,000 small colour pictures of ten classes; downloaded on first use, or read from a folder "
        "that holds them.",
        fits=("cifar10-resnet20",),
        licence="not stated by its authors",
        classes=10,
        megabytes=170.5,
    ),
    "CIFAR10",
    _TRAIN,
    needs="cifar-10-batches-py",
    files="cifar-10-",
    archives="cifar-10-python.tar.gz",
    arrays=_arrays,
)
CIFAR100 = TorchvisionSet(
    _entry(
        name="cifar100",
        title="CIFAR-100",
        summary="60,000 small colour pictures of a hundred classes.",
        licence="not stated by its authors",
        classes=100,
        megabytes=169.0,
    ),
    "CIFAR100",
    _TRAIN,
    needs="cifar-100-python",
    files="cifar-100-",
    archives="cifar-100-python.tar.gz",
    arrays=_arrays,
)
SVHN = TorchvisionSet(
    _entry(
        name="svhn",
        title="Street View House Numbers",
        summary="99,289 small pictures of digits from house numbers.",
        licence="for research, not commercial use",
        classes=10,
        megabytes=246.4,
    ),
    "SVHN",
    _SPLIT,
    needs="train_32x32.mat and test_32x32.mat",
    files="train_32x32",
    archives="*_32x32.mat",
    arrays=_channels_first,
)
STL10 = TorchvisionSet(
    _entry(
        name="stl10",
        title="STL-10",
        summary="13,000 labelled colour pictures of ten classes.",
        licence="not stated by its authors",
        classes=10,
        megabytes=2640.4,
    ),
    "STL10",
    _SPLIT,
    needs="stl10_binary",
    files="stl10",
    archives="stl10_binary.tar.gz",
    arrays=_channels_first,
)
FLOWERS102 = TorchvisionSet(
    _entry(
        name="flowers102",
        title="Flowers-102",
        summary="Photos of 102 kinds of flowers: 1,020 for training, 6,149 for testing.",
        licence="not stated by its authors",
        classes=102,
        megabytes=345.2,
    ),
    "Flowers102",
    _SPLIT,
    needs="flowers-102",
    files="flowers",
    archives="flowers-102/*.*",
    arrays=_flowers,
)
OXFORD_PETS = TorchvisionSet(
    _entry(
        name="oxford-pets",
        title="Oxford-IIIT Pets",
        summary="7,349 photos of 37 breeds of cats and dogs.",
        licence="CC BY-SA 4.0",
        classes=37,
        megabytes=811.0,
    ),
    "OxfordIIITPet",
    ({"split": "trainval"}, {"split": "test"}),
    needs="oxford-iiit-pet",
    files="oxford",
    archives="oxford-iiit-pet/*.tar.gz",
    arrays=_pets,
)
IMAGENETTE = TorchvisionSet(
    _entry(
        name="imagenette",
        title="Imagenette",
        summary="13,394 photos of ten easy classes of ImageNet.",
        fits=("imagenet-efficientnet-lite0",),
        licence="Apache-2.0",
        classes=10,
        megabytes=341.7,
    ),
    "Imagenette",
    ({"split": "train", "size": "320px"}, {"split": "val", "size": "320px"}),
    needs="imagenette2-320",
    files="imagenette",
    archives="imagenette2-320.tgz",
    arrays=_samples,
)
IMAGENET = TorchvisionSet(
    _entry(
        name="imagenet",
        title="ImageNet-1K",
        summary="1,000 classes of photos; all of it takes 190 GB once decoded, so give a part of it.",
        fits=("imagenet-efficientnet-lite0",),
        licence="for research, not commercial use",
        classes=1000,
        megabytes=144_000.0,
    ),
    "ImageNet",
    ({"split": "train"}, {"split": "val"}),
    needs="train, val and meta.bin, or ImageNet's archives",
    files="meta.bin",
    archives="",
    arrays=_samples,
)
