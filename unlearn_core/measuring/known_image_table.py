"""Image tables of what is known already: made without the classifier, and so without loading torch."""

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unlearn_core.artifacts.image_table import (
    ImageTable,
    is_image_table,
    read_table_predictions,
    write_image_table,
)
from unlearn_core.artifacts.predictions import Predictions
from unlearn_core.artifacts.shipped_predictions import read_shipped_predictions
from unlearn_core.catalog.entries import classifier_entry
from unlearn_core.catalog.image_sets import ImageSet, Wanted, fingerprint, load_images
from unlearn_core.common.files import make_once

THUMBNAIL = 64
VERSION = 5
"""Part of the key: increase it when the table's content changes."""


def write_known_image_table(root: Path, classifier: str, images: str) -> Path | None:
    """Return the path of the table if it exists, or can be made of shipped predictions; else None.

    Raises `UserError` if the classifier is unknown or the image set cannot be loaded.
    """
    path = table_path(root, classifier, images)
    if is_image_table(path):
        return path
    said, entry = _shipped(classifier, images), classifier_entry(classifier)
    if said is None or not entry.class_names:
        return None
    wanted = Wanted(entry.name, entry.channels, entry.input_size, entry.class_names, ())
    pictures = load_images(images, wanted)
    return make_once(path, lambda: image_table(pictures, said), write_image_table)


def known_predictions(root: Path, classifier: str, images: str) -> Predictions | None:
    """Return a classifier's predictions on an image set if the table or a shipped file has them."""
    path = table_path(root, classifier, images)
    return read_table_predictions(path) if is_image_table(path) else _shipped(classifier, images)


def image_table(pictures: ImageSet, said: Predictions) -> ImageTable:
    """Return the table of pictures and what a classifier says of them."""
    return ImageTable(
        ids=pictures.ids,
        is_test=pictures.is_test,
        labels=np.where(pictures.labelled, pictures.labels, said.classes),
        labelled=pictures.labelled,
        predictions=said.classes,
        top_confidences=said.top_confidences,
        confidences=said.confidences,
        losses=said.losses,
        thumbnails=thumbnails(pictures.pixels),
        class_names=pictures.class_names,
        own_names=pictures.own_names,
        own_classes=np.array(pictures.match.classes, np.int64),
        own_how=pictures.match.how,
        notes=pictures.notes,
        files=pictures.files,
    )


def table_path(root: Path, classifier: str, images: str) -> Path:
    """Return where the table of a classifier and an image set is, or will be."""
    return root / "tables" / f"{key_of(VERSION, classifier, images)}.npz"


def _shipped(classifier: str, images: str) -> Predictions | None:
    return read_shipped_predictions(classifier, images, fingerprint(images, classifier))


def key_of(version: int, classifier: str, images: str) -> str:
    """Return a cache key for a classifier and an image set, which changes whenever either does."""
    weights = classifier_entry(classifier).digest
    parts = (version, classifier, weights, images, fingerprint(images, classifier))
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()[:24]


def thumbnails(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return pictures (n, s, s, c) with sides of at most `THUMBNAIL`."""
    if pixels.shape[1] <= THUMBNAIL:
        return pixels
    small = [
        np.asarray(Image.fromarray(one.squeeze()).resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BOX))
        for one in pixels
    ]
    return np.stack(small).reshape(len(pixels), THUMBNAIL, THUMBNAIL, -1)
