"""An image set of another package that breaks a rule is one sentence that names both."""

from typing import Any
from uuid import uuid4

import numpy as np
import pytest

from unlearn_core.catalog.image_sets import Wanted, load_images
from unlearn_core.catalog.sources import registry
from unlearn_core.catalog.sources.base import CatalogImageSet, ImageSetEntry, ImageSource
from unlearn_core.errors import UserError

WANTED = Wanted("any", 1, 8, ("cat", "dog"), ())
RIGHT = {
    "pictures": np.zeros((3, 8, 8, 1), np.uint8),
    "ids": np.array([2, 5, 7]),
    "is_test": np.array([False, False, True]),
    "classes": np.array([0, 1, -1]),
    "class_names": ("cat", "dog"),
}


def load(source: Any, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    monkeypatch.setattr(registry, "_registered", {})
    content = uuid4().hex

    @registry.register
    class Brought(CatalogImageSet):
        entry = ImageSetEntry("brought", "Brought", "Brought.", fits=(), licence="none", source="a test")

        def read(self) -> ImageSource:
            return source

        def fingerprint(self) -> str:
            return content

    return load_images("brought", WANTED).ids.tolist()


def test_a_right_one_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load(ImageSource(**RIGHT), monkeypatch) == [2, 5, 7]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"pictures": np.zeros((3, 8, 8, 1))}, "its pixels must be uint8, 0 to 255, not float64"),
        ({"pictures": np.zeros((3, 8, 8), np.uint8)}, r"the shape \(n, h, w, 1 or 3\), not \(3, 8, 8\)"),
        ({"pictures": np.zeros((3, 8, 8, 2), np.uint8)}, r"the shape \(n, h, w, 1 or 3\), not"),
        ({"pictures": ["a.png", "b.png", "c.png"]}, "a NumPy array or a list of PictureFile"),
        ({"pictures": []}, "it has no pictures"),
        ({"pictures": np.zeros((0, 8, 8, 1), np.uint8)}, "it has no pictures"),
        ({"ids": np.array([2, 2, 7])}, "its ids must be ascending, each of them once"),
        ({"ids": np.array([2, 7, 5])}, "its ids must be ascending, each of them once"),
        ({"ids": np.array([2, 5])}, r"ids has the shape \(2,\), but there are 3 pictures"),
        ({"ids": [2, 5, 7]}, "ids must be a NumPy array of whole numbers"),
        ({"is_test": np.array([0, 0, 1])}, "is_test must be a NumPy array of booleans"),
        ({"classes": np.array([0, 1, 2])}, "its classes must be −1 or an index of its 2 class names"),
        ({"classes": np.array([0, 1, -2])}, "its classes must be −1 or an index"),
    ],
)
def test_a_broken_rule_is_one_sentence(
    wrong: dict[str, Any], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UserError, match=f"^The image set brought is wrong: .*{sentence}"):
        load(ImageSource(**{**RIGHT, **wrong}), monkeypatch)


def test_another_object_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match=r"its read\(\) returns a list, not an ImageSource"):
        load([1, 2, 3], monkeypatch)
