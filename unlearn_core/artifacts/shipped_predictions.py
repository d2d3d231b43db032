"""`CLASSIFIER@IMAGES.npz`: the predictions of a shipped classifier on an image set."""

from pathlib import Path

import numpy as np

from unlearn_core.artifacts.never_seen import stem
from unlearn_core.artifacts.predictions import Predictions
from unlearn_core.common.files import atomic_write, is_whole, write_compressed

SHIPPED = Path(__file__).parents[1] / "catalog" / "shipped" / "predictions"

_FINGERPRINT = "fingerprint"


def read_shipped_predictions(classifier: str, images: str, fingerprint: str) -> Predictions | None:
    """Return the predictions, in the order of the ids; None where none, or damaged ones, are shipped."""
    path = SHIPPED / f"{stem(classifier, images)}.npz"
    if not is_whole(path):
        return None
    with np.load(path, allow_pickle=False) as arrays:
        if str(arrays[_FINGERPRINT]) != fingerprint:
            return None
        return Predictions(**{name: arrays[name] for name in Predictions.__dataclass_fields__})


def write_shipped_predictions(
    classifier: str, images: str, fingerprint: str, predictions: Predictions
) -> None:
    """Write the predictions of a shipped classifier on the image set with this fingerprint."""
    with atomic_write(SHIPPED / f"{stem(classifier, images)}.npz") as half:
        write_compressed(half, {**vars(predictions), _FINGERPRINT: np.array(fingerprint)})
