"""What an image set gives is checked once, where it is read: its class may be of another package."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from unlearn_core.catalog.sources.base import ImageSource, PictureFile
from unlearn_core.errors import UserError


def checked(name: str, source: Any) -> ImageSource:
    """Return what an image set's `read` gave; `UserError` names the set and the first rule that it breaks."""
    for broken in _broken(source):
        raise UserError(f"The image set {name} is wrong: {broken}.")
    found: ImageSource = source
    return found


def _broken(source: Any) -> Iterator[str]:
    """Yield the rules of `ImageSource` that are broken; each counts on those before it."""
    if not isinstance(source, ImageSource):
        yield f"its read() returns a {type(source).__name__}, not an ImageSource"
    yield from _broken_pictures(source.pictures)
    n, classes = len(source.pictures), len(source.class_names)
    for field, kind, words in (
        ("ids", "iu", "whole numbers"),
        ("is_test", "b", "booleans"),
        ("classes", "iu", "whole numbers"),
    ):
        values = getattr(source, field)
        if not isinstance(values, np.ndarray) or values.dtype.kind not in kind:
            yield f"{field} must be a NumPy array of {words}"
        if values.shape != (n,):
            yield f"{field} has the shape {values.shape}, but there are {n} pictures"
    if (source.ids[1:] <= source.ids[:-1]).any():
        yield "its ids must be ascending, each of them once"
    if (source.classes < -1).any() or (source.classes >= classes).any():
        yield f"its classes must be −1 or an index of its {classes} class names"


def _broken_pictures(pictures: Any) -> Iterator[str]:
    if isinstance(pictures, np.ndarray):
        if pictures.dtype != np.uint8:
            yield f"its pixels must be uint8, 0 to 255, not {pictures.dtype}"
        if pictures.ndim != 4 or pictures.shape[3] not in (1, 3):
            yield f"its pixels must have the shape (n, h, w, 1 or 3), not {pictures.shape}"
    elif not isinstance(pictures, list) or not all(isinstance(one, PictureFile) for one in pictures):
        yield "its pictures must be a NumPy array or a list of PictureFile"
    if not len(pictures):
        yield "it has no pictures"
