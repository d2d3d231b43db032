"""Image tables: a classifier's predictions on an image set, with thumbnails."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unlearn_core.artifacts.check_arrays import check_arrays
from unlearn_core.artifacts.predictions import Predictions
from unlearn_core.common.damaged import damaged_becomes
from unlearn_core.common.files import is_whole, write_arrays

_PER_PICTURE = (
    *("ids", "is_test", "labels", "labelled", "predictions", "top_confidences", "confidences", "losses"),
    "thumbnails",
)
_BETWEEN = "\0"
_TEXTS = ("class_names", "own_names", "own_how", "notes")


@dataclass(frozen=True)
class ImageTable:
    """n pictures in id order and the original classifier's predictions.

    Attributes:
        ids: int64 (n,).
        is_test: bool (n,); test pictures are never forgotten.
        labels: int64 (n,), class index of the classifier.
        labelled: bool (n,); False: the label is the classifier's own prediction.
        predictions: int64 (n,).
        top_confidences: float32 (n,), probability of the prediction, 0 to 1.
        confidences: float32 (n,), probability of the label, 0 to 1.
        losses: float32 (n,), cross-entropy against the label.
        thumbnails: uint8 (n, s, s, c).
        class_names: of the classifier.
        own_names: of the image set's own classes.
        own_classes: int64, the classifier's class for each of those, −1 for none.
        own_how: how it was matched: "name", "WordNet id", "order", "you" or "none".
        notes: sentences about how the pictures were adapted to the classifier.
        files: a readable name of each picture; empty where the set has none.
    """

    ids: NDArray[np.int64]
    is_test: NDArray[np.bool_]
    labels: NDArray[np.int64]
    labelled: NDArray[np.bool_]
    predictions: NDArray[np.int64]
    top_confidences: NDArray[np.float32]
    confidences: NDArray[np.float32]
    losses: NDArray[np.float32]
    thumbnails: NDArray[np.uint8]
    class_names: tuple[str, ...]
    own_names: tuple[str, ...]
    own_classes: NDArray[np.int64]
    own_how: tuple[str, ...]
    notes: tuple[str, ...]
    files: tuple[str, ...] = ()


def read_image_table(path: Path) -> ImageTable:
    """Read a table; a missing or damaged one raises `UserError`."""
    with (
        damaged_becomes(f"The image table {path.name} cannot be read; load the pictures again."),
        np.load(path, allow_pickle=False) as arrays,
    ):
        fields = {name: arrays[name] for name in ImageTable.__dataclass_fields__}
        pictures = {name: fields[name] for name in _PER_PICTURE}
        check_arrays(pictures, ("labels", "predictions"), len(fields["class_names"]))
        files = _names_in(fields["files"], len(fields["ids"]))
    return ImageTable(**{**fields, **{name: tuple(fields[name].tolist()) for name in _TEXTS}, "files": files})


def _names_in(packed: NDArray[np.uint8], n: int) -> tuple[str, ...]:
    """Return the names that `_packed` wrote, none or `n` of them."""
    text = packed.tobytes().decode()
    files = tuple(text.split(_BETWEEN)) if text else ()
    if files and len(files) != n:
        raise ValueError
    return files


def _packed(files: tuple[str, ...]) -> NDArray[np.uint8]:
    """Return names as UTF-8: as an array of texts each would take as much as the longest."""
    return np.frombuffer(_BETWEEN.join(files).encode(errors="replace"), np.uint8)


def is_image_table(path: Path) -> bool:
    """Return whether there is a whole table; anything else in its place is removed, to make room for one."""
    if is_whole(path):
        with np.load(path, allow_pickle=False) as arrays:
            if set(arrays) >= set(ImageTable.__dataclass_fields__):
                return True
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    return False


def read_table_predictions(path: Path) -> Predictions:
    """Read the predictions of a table that is whole."""
    with np.load(path, allow_pickle=False) as arrays:
        names = ("predictions", "top_confidences", "confidences", "losses")
        return Predictions(*(arrays[name] for name in names))


def write_image_table(path: Path, table: ImageTable) -> None:
    """Write a table, uncompressed for fast reading."""
    texts = {name: np.array(getattr(table, name), str) for name in _TEXTS}
    write_arrays(path, {**vars(table), **texts, "files": _packed(table.files)})
