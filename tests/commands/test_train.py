"""What the command `train` says of a classifier."""

from dataclasses import replace

import numpy as np

from unlearn_core import load_classifier, load_images
from unlearn_core.commands.train import accuracy_in_words


def test_only_labelled_pictures_count_and_a_group_without_any_is_not_mentioned() -> None:
    images = load_images("mnist", load_classifier("mnist-resnet"))
    known = images.ids % 2 == 0
    labels = np.where(known, images.labels, (images.labels + 1) % 10)
    some = replace(images, labels=labels, labelled=known)
    words = "100.00% of the training pictures"
    assert accuracy_in_words(images.labels, some) == f"{words}, 100.00% of the test pictures"
    assert accuracy_in_words(images.labels, replace(some, labelled=known & ~images.is_test)) == words
