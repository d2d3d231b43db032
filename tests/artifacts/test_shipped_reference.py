"""The shipped file of what classifiers say of digits that they were not trained on."""

import numpy as np
import pytest

from unlearn_core.artifacts.never_seen import SHIPPED, NeverSeen, never_seen_file, read_never_seen
from unlearn_core.catalog.classifiers import load_classifier
from unlearn_core.catalog.image_sets import ImageSet, load_images
from unlearn_core.common.devices import choose_device
from unlearn_core.measuring.predict import predict


@pytest.fixture
def images() -> ImageSet:
    return load_images("mnist", load_classifier("mnist-resnet"))


@pytest.fixture
def shipped() -> NeverSeen:
    path = never_seen_file("mnist-resnet", "mnist")
    assert path is not None, "the project ships no such file for the digits"
    assert path.parent == SHIPPED
    return read_never_seen(path)


def test_every_training_digit_was_never_seen_by_at_least_four_classifiers(
    shipped: NeverSeen, images: ImageSet
) -> None:
    train = ~images.is_test
    assert shipped.ids.tolist() == images.ids[train].tolist()
    assert shipped.labels.tolist() == images.labels[train].tolist()
    assert shipped.logits.dtype == np.float16
    asked, pictures, classes = shipped.logits.shape
    assert asked >= 4
    assert (pictures, classes) == (4000, 10)
    assert np.isfinite(shipped.logits).all()
    # Each digit is judged by different classifiers.
    assert all((one != shipped.logits[0]).any(1).all() for one in shipped.logits[1:])


def test_none_of_them_was_trained_on_the_digits(shipped: NeverSeen, images: ImageSet) -> None:
    """They recognise them as the classifier recognises test digits, not as it does its training digits."""
    said = predict(load_classifier("mnist-resnet").module, images.pixels, images.labels, choose_device("cpu"))
    right = said.classes == images.labels
    trained, untrained = right[~images.is_test].mean(), right[images.is_test].mean()
    for one in shipped.logits:
        recognised = (one.argmax(1) == shipped.labels).mean()
        assert recognised > 0.9
        assert abs(recognised - untrained) < abs(recognised - trained)
    memorised = shipped.memorisation(images.ids, said.confidences)
    assert np.isnan(memorised).tolist() == images.is_test.tolist()
    assert np.nanmax(memorised) > 0.5
    assert abs(float(np.nanmedian(memorised))) < 0.01
