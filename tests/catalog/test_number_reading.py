"""Classes that are numbers: the reading under which the classifier is right most often."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from unlearn_core.catalog.classifiers import Classifier, load_classifier
from unlearn_core.catalog.image_sets import ImageSet, Wanted, fingerprint, load_images
from unlearn_core.catalog.number_reading import choose_reading

DIGITS = Wanted("digits", 1, 28, tuple("0123456789"), ())
TEXTS = sorted(map(str, range(12)))
ENGLISH = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


@pytest.fixture(scope="module")
def digits() -> ImageSet:
    return load_images("mnist", DIGITS)


@pytest.fixture
def classifier() -> Classifier:
    return load_classifier("mnist-resnet")


def written(
    root: Path, digits: ImageSet, name: Callable[[int], str], only: tuple[int, ...] = tuple(range(10))
) -> str:
    """Write four pictures of each digit into a folder that is called by `name`; return the set's name."""
    for digit in only:
        (root / name(digit)).mkdir(parents=True)
        for place in np.flatnonzero(digits.labels == digit)[:4]:
            Image.fromarray(digits.pixels[place].squeeze()).save(root / name(digit) / f"{place}.png")
    return f"folder:{root}"


@pytest.mark.parametrize(
    ("name", "only", "reading"),
    [
        (str, (0, 5, 9), None),
        (str, (3, 5, 7), "from 0"),
        (lambda digit: str(digit + 1), (3, 5, 7), "from 1"),
        (lambda digit: f"{digit + 1:03d}", tuple(range(10)), None),
        (lambda digit: f"class {digit + 1}", (3, 5, 7), "from 1"),
    ],
)
@pytest.mark.parametrize("class_names", [tuple("0123456789"), ENGLISH])
def test_a_number_is_the_index_under_which_the_classifier_is_right(
    tmp_path: Path,
    digits: ImageSet,
    classifier: Classifier,
    name: Callable[[int], str],
    only: tuple[int, ...],
    reading: str | None,
    class_names: tuple[str, ...],
) -> None:
    classifier.class_names = class_names
    images = load_images(written(tmp_path / "set", digits, name, only), classifier)
    assert images.labels.tolist() == [int(one) for one in np.repeat(sorted(only), 4)]
    said = [note for note in images.notes if "numbers" in note]
    assert bool(said) == (reading is not None)
    if said:
        assert (
            f"are counted {reading}: so the classifier is right for 100.0% of a sample, otherwise" in said[0]
        )


class Reordered(nn.Module):
    """Ten digits as twelve classes in the order of the text of their numbers; the last two are never seen."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        logits = nn.functional.pad(self.module(pixels), (0, 2), value=-100.0)
        return logits[:, [int(text) for text in TEXTS]]


def test_folders_in_the_order_of_their_text(tmp_path: Path, digits: ImageSet, classifier: Classifier) -> None:
    # As torchvision's ImageFolder counts them: 10 and 11 come before 2.
    twelve = replace(
        classifier,
        module=Reordered(classifier.module),
        class_names=tuple(f"class {index}" for index in range(12)),
    )
    name = written(tmp_path / "set", digits, str)
    for more in ("10", "11"):
        (tmp_path / "set" / more).mkdir()
        Image.new("L", (28, 28)).save(tmp_path / "set" / more / "1.png")
    images = load_images(name, twelve)
    assert images.match.reading == "as text"
    assert [images.own_names[place] for place in np.argsort(images.match.classes)] == TEXTS


def test_the_users_choice_counts_first_and_what_was_measured_is_kept(
    tmp_path: Path, own_home: Path, digits: ImageSet, classifier: Classifier
) -> None:
    name = written(tmp_path / "set", digits, str, (3, 5))
    assert set(load_images(name, classifier).labels.tolist()) == {3, 5}
    # Without the classifier, as the server does: what it measured is known.
    without = Wanted("mnist-resnet", 1, 28, classifier.class_names, ())
    assert "otherwise for 0.0% from 1" in load_images(name, without).notes[-1]
    before = fingerprint(name, "mnist-resnet")
    choose_reading(own_home, "mnist-resnet", name, "from 1")
    assert fingerprint(name, "mnist-resnet") != before
    chosen = load_images(name, classifier)
    assert set(chosen.labels.tolist()) == {2, 4}
    assert "counted from 1: so the classifier is right for 0.0% of a sample" in chosen.notes[-1]
    choose_reading(own_home, "mnist-resnet", name, None)
    assert set(load_images(name, classifier).labels.tolist()) == {3, 5}
    (file,) = own_home.glob("matches/*-numbers.json")
    file.write_text("{", encoding="utf-8")
    assert set(load_images(name, classifier).labels.tolist()) == {3, 5}
