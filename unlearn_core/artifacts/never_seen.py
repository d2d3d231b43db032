"""`CLASSIFIER@IMAGES.npz`: what classifiers that were trained without a picture say of it.

Without them the numbers of a run cannot be judged: a typical 7 that was never seen is recognised as well.
"""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from unlearn_core.catalog.image_sets import fingerprint
from unlearn_core.common.damaged import damaged_becomes
from unlearn_core.common.files import atomic_write, write_compressed
from unlearn_core.common.home import home

SHIPPED = Path(__file__).parents[1] / "catalog" / "shipped" / "never_seen"
_LONGEST = 200


@dataclass(frozen=True)
class NeverSeen:
    """Logits for n training pictures of m classifiers each, none of which was trained on the picture.

    Attributes:
        ids: int64 (n,), of the image set.
        labels: int64 (n,).
        logits: float16 (m, n, classes).
        fingerprint: of the image set; empty where it is not known.
    """

    ids: NDArray[np.int64]
    labels: NDArray[np.int64]
    logits: NDArray[np.float16]
    fingerprint: str = ""

    def is_of(self, classifier: str, images: str) -> bool:
        """Return whether the image set still has these pictures and labels, as far as that is known."""
        return not self.fingerprint or self.fingerprint == fingerprint(images, classifier)

    def of(self, ids: NDArray[np.int64]) -> "NeverSeen | None":
        """Return the part for these pictures in their order; None if one of them is missing."""
        order = np.argsort(self.ids)
        places = np.searchsorted(self.ids, ids, sorter=order).clip(max=len(order) - 1)
        found = order[places]
        if not (self.ids[found] == ids).all():
            return None
        return NeverSeen(self.ids[found], self.labels[found], self.logits[:, found], self.fingerprint)

    def recognised(self) -> NDArray[np.float64]:
        """Return for each picture the share of classifiers that predict its label, 0 to 1, (n,)."""
        return (self.logits.argmax(2) == self.labels).mean(0)

    def margins(self) -> NDArray[np.float32]:
        """Return how far the label leads the best other class, in logits, (m, n)."""
        logits = self.logits.astype(np.float32)
        rows = np.arange(len(self.labels))
        own = logits[:, rows, self.labels]
        logits[:, rows, self.labels] = -np.inf
        return own - logits.max(2)

    def confidences(self) -> NDArray[np.float32]:
        """Return the probability of the label, 0 to 1, (m, n)."""
        logits = self.logits.astype(np.float32)
        odds = np.exp(logits - logits.max(2, keepdims=True))
        return odds[:, np.arange(len(self.labels)), self.labels] / odds.sum(2)

    def memorisation(self, ids: NDArray[np.int64], confidences: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return how much surer a classifier is of a label because it was trained on the picture, (n,).

        Feldman (arXiv 1906.05271) defines it as the probability of the label by classifiers trained with the
        picture, less that by classifiers trained without it, estimated from many of each (Feldman and Zhang,
        arXiv 2008.03703). Here one classifier, which was trained with all pictures, stands for the first.

        Args:
            ids: of n pictures.
            confidences: of that classifier in their labels, 0 to 1, (n,).

        Returns:
            −1 to 1, NaN where the picture is not in this reference.
        """
        without = dict(zip(self.ids.tolist(), self.confidences().mean(0).tolist(), strict=True))
        return confidences - np.array([without.get(one, np.nan) for one in ids.tolist()], np.float32)


def never_seen_file(classifier: str, images: str) -> Path | None:
    """Return the file for a classifier and an image set, the home's own before the shipped one; or None."""
    for folder in (own_folder(), SHIPPED):
        path = folder / f"{stem(classifier, images)}.npz"
        if path.is_file():
            return path
    return None


def stem(classifier: str, images: str) -> str:
    """Return the file's name without the suffix; names of image sets may be paths."""
    name = quote(f"{classifier}@{images}", safe="@ ")
    return name if len(name) <= _LONGEST else sha256(name.encode()).hexdigest()


def own_folder() -> Path:
    """Return the home's folder of these files."""
    return home() / "never_seen"


def read_never_seen(path: Path) -> NeverSeen:
    """Read the file; a damaged one raises `UserError`."""
    with (
        damaged_becomes(
            f"The file `never_seen/{path.name}` is damaged: delete it, or make it again with `reference`."
        ),
        np.load(path, allow_pickle=False) as arrays,
    ):
        # What is no array comes as bytes.
        ids, labels, logits = (np.asarray(arrays[name]) for name in ("ids", "labels", "logits"))
        if (ids.ndim, logits.ndim) != (1, 3) or ids.shape != labels.shape or logits.shape[1] != len(ids):
            raise ValueError(f"shapes {ids.shape}, {labels.shape} and {logits.shape}")
        if (ids.dtype.kind, labels.dtype.kind, logits.dtype.kind) != ("i", "i", "f") or 0 in logits.shape:
            raise ValueError(f"types {ids.dtype}, {labels.dtype} and {logits.dtype}")
        if labels.min() < 0 or labels.max() >= logits.shape[2]:
            raise ValueError("labels of no class")
        return NeverSeen(ids, labels, logits, str(arrays["fingerprint"]))


def find_never_seen(
    classifier: str, images: str, read: Callable[[Path], NeverSeen] = read_never_seen
) -> NeverSeen | None:
    """Return what `read` finds for a classifier and an image set; None where nothing is of its pictures."""
    path = never_seen_file(classifier, images)
    known = None if path is None else read(path)
    return known if known is not None and known.is_of(classifier, images) else None


def write_never_seen(path: Path, reference: NeverSeen) -> None:
    """Write the file, complete or not at all."""
    with atomic_write(path) as half:
        write_compressed(half, {**vars(reference), "fingerprint": np.array(reference.fingerprint)})
