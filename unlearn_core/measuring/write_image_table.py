"""Writes image tables: a classifier's predictions on every picture of a set, with thumbnails."""

from pathlib import Path

import torch

from unlearn_core.artifacts.image_table import ImageTable
from unlearn_core.artifacts.image_table import write_image_table as write_table
from unlearn_core.artifacts.predictions import Predictions, joined
from unlearn_core.artifacts.shipped_predictions import read_shipped_predictions
from unlearn_core.catalog.classifiers import Classifier, load_classifier
from unlearn_core.catalog.image_sets import ImageSet, load_images
from unlearn_core.catalog.sources.photos import SHIPPED_FINGERPRINT, Photos
from unlearn_core.common.devices import choose_device
from unlearn_core.common.files import make_once
from unlearn_core.measuring.known_image_table import image_table, table_path, write_known_image_table
from unlearn_core.measuring.predict import predict


def write_image_table(root: Path, classifier: str, images: str) -> Path:
    """Return the path of the table of a classifier and an image set; made if it does not exist.

    Raises `UserError` if the classifier or the image set cannot be loaded.
    """
    known = write_known_image_table(root, classifier, images)
    if known is not None:
        return known
    return make_once(table_path(root, classifier, images), lambda: _table(classifier, images), write_table)


def _table(classifier: str, images: str) -> ImageTable:
    loaded = load_classifier(classifier)
    pictures = load_images(images, loaded)
    return image_table(pictures, _predicted(loaded, pictures))


def _predicted(classifier: Classifier, pictures: ImageSet) -> Predictions:
    known = _of_shipped_photos(classifier.name, pictures.name)
    start = 0 if known is None else len(known.classes)
    device = choose_device("auto")
    module = classifier.module.to(device).to(memory_format=torch.channels_last)
    found = predict(module, pictures.pixels[start:], pictures.labels[start:], device)
    return found if known is None else joined([known, found])


def _of_shipped_photos(classifier: str, images: str) -> Predictions | None:
    """Return what is known of the first pictures of a set of photos: one more then takes no longer."""
    if images.partition(":")[0] != Photos.entry.name:
        return None
    return read_shipped_predictions(classifier, Photos.entry.name, SHIPPED_FINGERPRINT)
