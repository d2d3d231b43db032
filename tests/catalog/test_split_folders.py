"""Folders for training and testing, whatever people call them and keep beside them."""

import pytest

from unlearn_core.catalog.sources.layouts import places


def both(*parts: str) -> list[str]:
    """Return a picture of each of two classes in each part."""
    return [f"{part}/{one}/1.jpg" for part in parts for one in ("cat", "dog")]


@pytest.mark.parametrize(
    ("names", "test"),
    [
        # Blood cells, iNaturalist, FER, Fruits-360 and others.
        (both("images/TRAIN", "images/TEST", "images/TEST_SIMPLE"), ("images/TEST",)),
        (both("train_mini", "val"), ("val",)),
        (both("train_small", "test_large"), ("test",)),
        (both("train", "dev"), ("dev",)),
        (both("Train", "Dev", "Test"), ("Dev", "Test")),
        (both("train", "eval"), ("eval",)),
        (both("training", "holdout"), ("holdout",)),
        (both("trainval", "test"), ("test",)),
        (both("train", "PublicTest", "PrivateTest"), ("P",)),
        (both("train", "test_public", "test_private"), ("test",)),
        (both("train", "train_augmented", "val"), ("val",)),
        (both("Training", "Test", "test-multiple_fruits"), ("Test", "test")),
    ],
)
def test_the_level_of_a_split_is_known_by_most_of_its_names(names: list[str], test: tuple[str, ...]) -> None:
    assert [(one.class_name, one.is_test) for one in places(names, {}) if one] == [
        (name.split("/")[-2], name.startswith(test)) for name in names
    ]


def test_pictures_to_test_may_lie_in_no_class() -> None:
    names = ["train/cat/1.jpg", "train/dog/1.jpg", "PublicTest/1.jpg"]
    assert [(one.class_name, one.is_test) for one in places(names, {}) if one] == [
        ("cat", False),
        ("dog", False),
        ("", True),
    ]


@pytest.mark.parametrize(
    ("names", "out"),
    [
        ([*both("train", "test"), "extra/cat/1.jpg"], "extra"),
        ([*both("train", "test_a", "test_b"), "papers/fig/1.jpg"], "papers"),
        ([*both("data/train", "data/test"), "notebooks/fig1.png"], "notebooks"),
        ([*both("leaves/leaves/train", "leaves/leaves/valid"), "test/test/1.jpg"], "test"),
        (
            [
                *(f"data/{part}/cat/{n}.jpg" for part in ("train", "test") for n in range(4)),
                *both("docs/a", "docs/b"),
            ],
            "docs",
        ),
        (["train/1.png", "val/1.png", "train_labels/1.png", "val_labels/1.png"], "train_labels"),
    ],
)
def test_what_is_beside_the_split_is_left_out(names: list[str], out: str) -> None:
    by_name = dict(zip(names, places(names, {}), strict=True))
    beside = [name for name, place in by_name.items() if place is None]
    assert out in {name.split("/")[0] for name in beside}
    assert all("train/" not in name for name in beside)
    assert all(one.class_name in ("cat", "dog", "") for one in by_name.values() if one)


@pytest.mark.parametrize(
    "names",
    [
        ["train station/1.jpg", "test tube/1.jpg", "bus/1.jpg"],
        ["train station/1.jpg", "test tube/1.jpg"],
        ["train station/day/1.jpg", "test tube/day/1.jpg", "bus/day/1.jpg"],
        ["train/1.jpg", "test tube/1.jpg", "bus/1.jpg"],
        ["valid/1.jpg", "invalid/1.jpg"],
        ["cat/train/1.jpg", "cat/val/2.jpg", "dog/1.jpg"],
        ["cat/1.jpg", "dog/1.jpg", "more/train/a/1.jpg", "more/test/a/1.jpg"],
    ],
)
def test_classes_whose_names_have_such_a_word_stay_classes(names: list[str]) -> None:
    assert [(one.class_name, one.is_test) for one in places(names, {}) if one] == [
        (name.split("/")[0], False) for name in names
    ]


def test_many_parts_for_training_are_one() -> None:
    names = [f"train{number}/cat/1.jpg" for number in range(300)]
    assert {one and one.class_name for one in places([*names, "test/cat/1.jpg"], {})} == {"cat"}


def test_numbered_parts_of_a_large_set_are_no_classes() -> None:
    names = ["HAM10000_images_part_1/1.jpg", "HAM10000_images_part_2/2.jpg", "HAM10000_images_part_2/3.jpg"]
    assert {one and one.class_name for one in places(names, {})} == {""}
    deeper = [f"faces part{part}/{one}/1.jpg" for part in (1, 2) for one in ("cat", "dog")]
    assert [one and one.class_name for one in places(deeper, {})] == ["cat", "dog"] * 2
