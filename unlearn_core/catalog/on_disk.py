"""Sizes of catalog entries, and whether they are on this machine; this module imports nothing heavy."""

from pathlib import Path

from unlearn_core.catalog.entries import ClassifierEntry, ImageSetEntry
from unlearn_core.catalog.records.classifier_record import WEIGHTS, custom_classifier_folder
from unlearn_core.common.home import data_dir, home

_SHIPPED = Path(__file__).parent / "shipped" / "weights"
# Of files in packages, and of torchvision's downloads.
_MEGABYTES = {
    "imagenet-efficientnet-lite0": 18.8,
    "mnist": 1.1,
    "photos": 4.6,
    "cifar10": 170.5,
    "cifar100": 169.0,
    "svhn": 246.4,
    "stl10": 2640.4,
    "flowers102": 345.2,
    "oxford-pets": 811.0,
    "imagenette": 341.7,
    "imagenet": 144_000.0,
}
# Prefixes of torchvision's folders and files, unpacked or not.
_FILES = {
    "cifar10": "cifar-10-",
    "cifar100": "cifar-100-",
    "svhn": "train_32x32",
    "flowers102": "flowers",
    "oxford-pets": "oxford",
    "imagenet": "meta.bin",
}
# What torchvision downloads, under its data folder.
_ARCHIVES = {
    "cifar10": "cifar-10-python.tar.gz",
    "cifar100": "cifar-100-python.tar.gz",
    "svhn": "*_32x32.mat",
    "stl10": "stl10_binary.tar.gz",
    "flowers102": "flowers-102/*.*",
    "oxford-pets": "oxford-iiit-pet/*.tar.gz",
    "imagenette": "imagenette2-320.tgz",
}


def megabytes(entry: ClassifierEntry | ImageSetEntry) -> float | None:
    """Return the size of weights or pictures in MB, None if unknown."""
    if isinstance(entry, ImageSetEntry):
        return _MEGABYTES.get(entry.name, entry.megabytes)
    if entry.name in _MEGABYTES and not entry.brought:
        return _MEGABYTES[entry.name]
    kept = custom_classifier_folder(home(), entry.name) / WEIGHTS
    weights = kept if entry.brought else _SHIPPED / f"{entry.name}.safetensors"
    return round(weights.stat().st_size / 1e6, 1) if weights.exists() else None


def is_on_disk(entry: ClassifierEntry | ImageSetEntry) -> bool:
    """Return whether an entry can be used without a download."""
    if entry.source != "torchvision" or isinstance(entry, ClassifierEntry):
        return True
    start = _FILES.get(entry.name, entry.name)
    return data_dir().is_dir() and any(path.name.startswith(start) for path in data_dir().iterdir())


def download(images: str) -> tuple[float, float]:
    """Return the downloaded and total size of an image set's archives in MB; zeros without a download."""
    if images not in _ARCHIVES:
        return 0.0, 0.0
    arrived = sum(path.stat().st_size for path in data_dir().glob(_ARCHIVES[images]))
    return arrived / 1e6, _MEGABYTES[images]
