"""Writes image tables: a classifier's predictions on every picture of a set, with thumbnails."""

import hashlib
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from unlearn_core.artifacts.image_table import ImageTable, read_table_predictions
from unlearn_core.artifacts.image_table import write_image_table as write_table
from unlearn_core.artifacts.predictions import Predictions
from unlearn_core.artifacts.shipped_predictions import read_shipped_predictions
from unlearn_core.catalog.classifiers import Classifier, load_classifier
from unlearn_core.catalog.entries import classifier_entry
from unlearn_core.catalog.image_sets import ImageSet, fingerprint, load_images
from unlearn_core.common.devices import choose_device
from unlearn_core.common.files import is_whole, make_once
from unlearn_core.measuring.predict import predict

THUMBNAIL = 64
VERSION = 3
"""Part of the key: increase it when the table's content changes."""


def write_image_table(root: Path, classifier: str, images: str) -> Path:
    """Return the path of the table of a classifier and an image set; made if it does not exist.

    Raises `UserError` if the classifier or the image set cannot be loaded.
    """
    return make_once(_path(root, classifier, images), lambda: _table(classifier, images), write_table)


def known_predictions(root: Path, classifier: str, images: str) -> Predictions | None:
    """Return a classifier's predictions on an image set if the table or a shipped file has them."""
    path = _path(root, classifier, images)
    return read_table_predictions(path) if is_whole(path) else _shipped(classifier, images)


def _path(root: Path, classifier: str, images: str) -> Path:
    return root / "tables" / f"{key_of(VERSION, classifier, images)}.npz"


def _shipped(classifier: str, images: str) -> Predictions | None:
    return read_shipped_predictions(classifier, images, fingerprint(images, classifier))


def _table(classifier: str, images: str) -> ImageTable:
    loaded = load_classifier(classifier)
    pictures = load_images(images, loaded)
    said = _shipped(classifier, images) or _predicted(loaded, pictures)
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
    )


def _predicted(classifier: Classifier, pictures: ImageSet) -> Predictions:
    device = choose_device("auto")
    module = classifier.module.to(device).to(memory_format=torch.channels_last)
    return predict(module, pictures.pixels, pictures.labels, device)


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
