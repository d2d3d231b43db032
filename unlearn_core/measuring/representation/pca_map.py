"""Features of an image set before the last layer: PCA, memorisation, and suspect labels."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import normalize

from unlearn_core.artifacts.image_table import ImageTable, read_image_table
from unlearn_core.catalog.classifiers import load_classifier
from unlearn_core.catalog.image_sets import ImageSet, load_images
from unlearn_core.common.devices import choose_device
from unlearn_core.common.files import make_once, write_arrays
from unlearn_core.measuring.finished_run import frozen
from unlearn_core.measuring.known_image_table import key_of
from unlearn_core.measuring.representation.features import features, principal_components
from unlearn_core.measuring.write_image_table import write_image_table

VERSION = 3
NEIGHBOURS = 10
_SIDE = 14
"""Pixels: pictures are compared at this size, so that a shift by a pixel does not matter."""

_CHUNK = 1000


def write_image_map(root: Path, classifier: str, images: str) -> Path:
    """Return the path of the arrays below; made if they do not exist. n pictures in id order.

    `ids` int64 (n,); `places` float32 (n, 2) on the plane of largest spread; `features` float16 (n, d) of
    length 1; `memorisation` and `odd_label` float32 (n,), 0 to 1, for training pictures, else 0:

    * `memorisation`, an estimate: confidence in the label, times the share of the most similar pictures,
      pixel by pixel, with another label. A classifier that only generalised would get such a picture wrong;
      one that gets it right has memorised it (the idea of Feldman, arXiv 1906.05271, without retraining).
    * `odd_label`: 1 − confidence in the label, averaged with the share of the nearest pictures in feature
      space with another label.

    Raises `UserError` if the classifier or the image set cannot be loaded.
    """
    path = root / "maps" / f"{key_of(VERSION, classifier, images)}.npz"
    return make_once(path, lambda: _map(root, classifier, images), write_arrays)


def _map(root: Path, classifier: str, images: str) -> dict[str, NDArray[np.generic]]:
    table = read_image_table(write_image_table(root, classifier, images))
    loaded = load_classifier(classifier)
    pictures = load_images(images, loaded)
    seen = features(frozen(loaded.module.to(choose_device("auto"))), pictures.pixels)
    unit = normalize(seen)
    return {
        "ids": pictures.ids,
        "places": principal_components(seen, 2).transform(seen),
        "features": unit.astype(np.float16),
        **_scores(table, pictures, unit),
    }


def _scores(
    table: ImageTable, pictures: ImageSet, unit: NDArray[np.float32]
) -> dict[str, NDArray[np.float32]]:
    train = np.flatnonzero(~table.is_test)
    labels, confidence = table.labels[train], table.confidences[train]
    # In chunks: a large set is memory-mapped and may not fit into memory.
    chunks = [
        _small(pictures.pixels[train[start : start + _CHUNK]]) for start in range(0, len(train), _CHUNK)
    ]
    looks = normalize(np.concatenate(chunks)) if chunks else np.empty((0, 1), np.float32)
    scores = {name: np.zeros(len(table.ids), np.float32) for name in ("memorisation", "odd_label")}
    scores["memorisation"][train] = confidence * others_share(looks, labels)
    scores["odd_label"][train] = (1 - confidence + others_share(unit[train], labels)) / 2
    return scores


def others_share(unit: NDArray[np.float32], labels: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return for each of n unit vectors the share of its nearest neighbours with another label, (n,)."""
    count = min(NEIGHBOURS, len(unit) - 1)
    if count < 1:
        return np.zeros(len(unit), np.float32)
    # For unit vectors the nearest have the smallest angle; no vector is its own neighbour.
    nearest = NearestNeighbors(n_neighbors=count).fit(unit).kneighbors(return_distance=False)
    return (labels[nearest] != labels[:, None]).mean(1).astype(np.float32)


def _small(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return pictures (n, s, s, c) as vectors of block means, (n, side · side · c), each with mean 0."""
    starts = (np.arange(_SIDE) * pixels.shape[1] / _SIDE).astype(int)
    sums = np.add.reduceat(np.add.reduceat(pixels, starts, axis=1, dtype=np.float32), starts, axis=2)
    flat = sums.reshape(len(pixels), -1)
    return flat - flat.mean(1, keepdims=True)
