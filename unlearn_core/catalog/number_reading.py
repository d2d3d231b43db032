"""How classes that are numbers are counted: under which reading a classifier is right most often."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from unlearn_core.catalog.class_match import Reading
from unlearn_core.catalog.entries import classifiers
from unlearn_core.common.budget import Budget, sample
from unlearn_core.common.files import atomic_write
from unlearn_core.common.home import home
from unlearn_core.common.lazy_torch import nn, torch

_MEASURED = Budget(small=1000, large=100)
_BATCH = 50

READINGS: tuple[Reading, ...] = get_args(Reading)


class Counted(BaseModel):
    """What is known of an image set whose classes are numbers, and a classifier.

    Attributes:
        chosen: by the user.
        shares: percentage of a sample that the classifier gets right, by reading.
        of: what was measured; it changes whenever pictures or weights do.
    """

    model_config = ConfigDict(frozen=True)

    chosen: Reading | None = None
    shares: dict[Reading, float] = {}
    of: str = ""

    @property
    def reading(self) -> Reading | None:
        """The user's choice, else the one with the largest share, if any was measured."""
        best = max(self.shares.items(), key=lambda one: one[1], default=(None, 0.0))
        return self.chosen or best[0]

    def in_words(self) -> str:
        """Return a sentence with all shares, "" where nothing was measured."""
        if self.reading is None or not self.shares:
            return ""
        others = (f"{share:.1f}% {one}" for one, share in self.shares.items() if one != self.reading)
        return (
            f"The classes are numbers and are counted {self.reading}: so the classifier is right for "
            f"{self.shares.get(self.reading, 0.0):.1f}% of a sample, otherwise for {' or '.join(others)}."
        )


def read_counted(root: Path, classifier: str, images: str) -> Counted:
    """Return what is known of an image set and a classifier; nothing of a damaged file."""
    try:
        return Counted.model_validate_json(_path(root, classifier, images).read_bytes())
    except (OSError, ValidationError):
        return Counted()


def choose_reading(root: Path, classifier: str, images: str, chosen: Reading | None) -> None:
    """Store the user's choice; None leaves it to what is measured."""
    known = read_counted(root, classifier, images)
    write_counted(root, classifier, images, known.model_copy(update={"chosen": chosen}))


def write_counted(root: Path, classifier: str, images: str, counted: Counted) -> None:
    """Store what is known of an image set and a classifier."""
    path = _path(root, classifier, images)
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as half:
        half.write_text(json.dumps(counted.model_dump()), encoding="utf-8")


def best_reading(
    classifier: str,
    images: str,
    module: nn.Module | None,
    pixels: NDArray[np.uint8],
    own: NDArray[np.int64],
    readings: Mapping[Reading, tuple[int, ...]],
    *,
    fingerprint: str,
) -> Counted:
    """Return what is known of an image set and a classifier, measured once where its module is there.

    Args:
        classifier: in the catalog; of another, nothing is kept.
        images: name of the set.
        module: of the classifier, or None; with `pixels`, `own` and `readings` as in `measure_readings`.
        fingerprint: of the set.
    """
    known = read_counted(home(), classifier, images)
    if module is None:
        return known
    entry = next((one for one in classifiers() if one.name == classifier), None)
    of = sha256(f"{fingerprint}\n{entry and entry.digest}".encode()).hexdigest()
    if entry is None or known.of != of:
        shares = measure_readings(module, pixels, own, readings)
        known = known.model_copy(update={"shares": shares, "of": of})
        if entry is not None:
            write_counted(home(), classifier, images, known)
    return known


def measure_readings(
    module: nn.Module,
    pixels: NDArray[np.uint8],
    own: NDArray[np.int64],
    readings: Mapping[Reading, tuple[int, ...]],
) -> dict[Reading, float]:
    """Return the percentage of a sample of labelled pictures that a classifier gets right, by reading.

    Args:
        module: the classifier, in eval mode.
        pixels: uint8 (n, size, size, channels).
        own: (n,), classes of the image set, −1 for none.
        readings: the classifier's class of each of those.
    """
    chosen = np.sort(sample(np.flatnonzero(own >= 0), _MEASURED.of(pixels.shape[1])))
    device = next(module.parameters()).device
    said = []
    with torch.no_grad():
        for start in range(0, len(chosen), _BATCH):
            batch = torch.from_numpy(pixels[chosen[start : start + _BATCH]]).to(device)
            said.append(module(batch.permute(0, 3, 1, 2).float() / 255).argmax(1).cpu().numpy())
    predicted = np.concatenate(said) if said else np.empty(0, np.int64)
    rights = {one: predicted == np.array(indices)[own[chosen]] for one, indices in readings.items()}
    return {one: round(100 * float(right.mean()), 2) for one, right in rights.items()} if said else {}


def _path(root: Path, classifier: str, images: str) -> Path:
    key = sha256(f"{classifier}\n{images}".encode()).hexdigest()
    return root / "matches" / f"{key[:24]}-numbers.json"
