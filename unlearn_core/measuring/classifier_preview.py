"""The preview of a classifier that is not in the catalog yet: predictions on a few pictures."""

import time
from pathlib import Path

import numpy as np
import torch

from unlearn_core.catalog.classifiers import as_classifier
from unlearn_core.catalog.image_sets import load_images
from unlearn_core.catalog.records.classifier_record import ClassifierSpecification
from unlearn_core.common.devices import choose_device
from unlearn_core.measuring.examine_classifier import examine
from unlearn_core.measuring.known_image_table import thumbnails
from unlearn_core.measuring.predict import to_pixels
from unlearn_core.store.cache import cached

PICTURES, TOP = 6, 5
KEPT_SECONDS = 600


def write_preview(root: Path, specification: ClassifierSpecification, images: str, number: int) -> Path:
    """Return the path of a classifier's predictions on pictures spread over an image set.

    The arrays: `thumbnails` uint8 (n, s, s, c); `top` str (n, 5) and `shares` float32 (n, 5), the most likely
    classes and their probabilities; `labels` str (n,), "" for unlabelled pictures; `record`, the JSON of the
    classifier's record.

    Args:
        root: of the store; the file is removed some time after it was read.
        specification: of the classifier.
        images: a name in the catalog.
        number: of the attempt, so that an older result is not reused.

    Raises:
        UserError: an invalid classifier, or unreadable pictures.
    """
    record, module = examine(specification)
    classifier = as_classifier(record, module)
    pictures = load_images(images, classifier)
    chosen = np.linspace(0, len(pictures.ids) - 1, min(len(pictures.ids), PICTURES)).astype(int)
    device = choose_device("auto")
    with torch.no_grad():
        shares, classes = (
            module.to(device)(to_pixels(pictures.pixels[chosen], device))
            .softmax(1)
            .cpu()
            .topk(min(TOP, len(record.class_names)), dim=1)
        )
    names = np.array(record.class_names)
    labels = [names[label] if label >= 0 else "" for label in pictures.labels[chosen]]
    folder = root / "previews"
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.npz"):
        # Another visitor may still be reading a recent one.
        if time.time() - old.stat().st_mtime > KEPT_SECONDS:
            old.unlink(missing_ok=True)
    return cached(
        folder,
        [specification.model_dump(), images, number, time.time_ns()],
        lambda: {
            "thumbnails": thumbnails(pictures.pixels[chosen]),
            "top": names[classes.numpy()],
            "shares": shares.numpy(),
            "labels": np.array(labels),
            "record": np.array(record.model_dump_json()),
        },
    )
