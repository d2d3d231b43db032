"""The interface of image sources."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unlearn_core.errors import UserError


@dataclass(frozen=True)
class PictureFile:
    """One picture file: its path inside the set, and a function that returns its bytes."""

    name: str
    read: Callable[[], bytes]


@dataclass(frozen=True)
class ImageSource:
    """n pictures of an image set, independent of any classifier.

    Attributes:
        pictures: files, or pixels uint8 (n, h, w, c) with 1 or 3 channels.
        ids: int64 (n,), ascending; stable as long as the set stays the same.
        is_test: bool (n,).
        classes: int64 (n,), index in `class_names`, −1 for unlabelled pictures.
        class_names: of the set; several names of one class are separated by commas.
    """

    pictures: list[PictureFile] | NDArray[np.uint8]
    ids: NDArray[np.int64]
    is_test: NDArray[np.bool_]
    classes: NDArray[np.int64]
    class_names: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """A readable name of each picture; may be empty."""
        return tuple(one.name for one in self.pictures) if isinstance(self.pictures, list) else ()


def in_order(pictures: list[PictureFile], is_test: list[bool], classes: list[str]) -> ImageSource:
    """Return a source of files whose ids are their positions; "" is the class of unlabelled pictures.

    Two classes whose names differ only in case raise `UserError`.
    """
    names = sorted(set(classes) - {""})
    known: dict[str, str] = {}
    for name in names:
        other = known.setdefault(name.casefold(), name)
        if other != name:
            raise UserError(f"Two classes have the same name: {other} and {name}.")
    places = {name: place for place, name in enumerate(names)} | {"": -1}
    return ImageSource(
        pictures,
        np.arange(len(pictures)),
        np.array(is_test, bool),
        np.array([places[name] for name in classes], np.int64),
        tuple(names),
    )
