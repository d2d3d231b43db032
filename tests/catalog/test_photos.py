"""The shipped photos: what they are, whose they are and that the classifier knows them."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from unlearn_core.catalog.classifiers import load_classifier
from unlearn_core.catalog.image_sets import load_images
from unlearn_core.catalog.sources import photos
from unlearn_core.catalog.sources.photos import FIRST_UPLOAD, SHIPPED
from unlearn_core.measuring.predict import predict

ROOT = Path(__file__).parents[2]
FOLDER = Path(photos.__file__).parents[1] / "shipped" / "photos"
FIRST = 16
"""The first id of those that this repository ships; the photos before are scikit-image's."""
EXPECTED = {"german_shepherd.jpg": "German shepherd", "giant_panda.jpg": "giant panda", "dam.jpg": "dam"}


def test_ids_of_photos_never_change() -> None:
    assert [SHIPPED.index(name) for name in ("chelsea.png", "coffee.png", "gravel.png")] == [0, 1, 15]
    assert [SHIPPED.index(name) for name in ("german_shepherd.jpg", "chambord.jpg")] == [FIRST, 55]
    assert len(SHIPPED) < FIRST_UPLOAD


def test_each_shipped_photo_is_small_and_has_author_and_licence() -> None:
    text = (ROOT / "docs" / "licences.md").read_text(encoding="utf-8")
    listed = [line.split("|")[1:4] for line in text.splitlines() if ".jpg |" in line]
    own = [name for name in SHIPPED if (FOLDER / name).exists()]
    assert sorted(path.name for path in FOLDER.iterdir()) == sorted(own)
    assert [name.strip() for name, _, _ in listed] == own
    assert all(author.strip() and licence.strip() for _, author, licence in listed)
    assert sum((FOLDER / name).stat().st_size for name in own) < 1.5e6
    assert max(max(Image.open(FOLDER / name).size) for name in own) <= 400


def test_the_classifier_is_sure_of_each_shipped_photo() -> None:
    classifier = load_classifier("imagenet-efficientnet-lite0")
    images = load_images("photos", classifier)
    said = predict(classifier.module, images.pixels[FIRST:], images.labels[FIRST:], torch.device("cpu"))
    assert said.top_confidences.min() > 0.6
    assert len(np.unique(said.classes)) >= 30
    names = {
        file: classifier.class_names[one]
        for file, one in zip(images.files[FIRST:], said.classes, strict=True)
    }
    for file, name in EXPECTED.items():
        assert names[file].split(",")[0] == name
