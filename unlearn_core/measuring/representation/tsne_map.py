"""A layout of an image set with similar pictures together: t-SNE of the features.

PCA (`pca_map`) shows the largest directions at once; t-SNE takes some seconds and shows small groups.
scikit-learn's t-SNE (van der Maaten and Hinton 2008) serves the purpose of UMAP without numba and llvmlite.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.manifold import TSNE

from unlearn_core.catalog.classifiers import load_classifier
from unlearn_core.catalog.image_sets import load_images
from unlearn_core.common.devices import choose_device
from unlearn_core.common.files import make_once, write_arrays
from unlearn_core.errors import UserError
from unlearn_core.measuring.finished_run import frozen
from unlearn_core.measuring.known_image_table import key_of
from unlearn_core.measuring.representation.features import features, principal_components

VERSION = 1
MOST_PICTURES, FEWEST_PICTURES = 20_000, 10
_COMPONENTS, _ITERATIONS = 30, 500


def write_neighbour_map(root: Path, classifier: str, images: str) -> Path:
    """Return the path of `ids` int64 (n,) and `places` float32 (n, 2); made if they do not exist.

    Distances between groups mean little, and sizes of groups nothing.

    Raises `UserError` if the classifier or the image set cannot be loaded, or the set is too small or too
    large.
    """
    path = root / "maps" / f"neighbours-{key_of(VERSION, classifier, images)}.npz"
    return make_once(path, lambda: _places(classifier, images), write_arrays)


def _places(classifier: str, images: str) -> dict[str, NDArray[np.generic]]:
    loaded = load_classifier(classifier)
    pictures = load_images(images, loaded)
    n = len(pictures.ids)
    if not FEWEST_PICTURES <= n <= MOST_PICTURES:
        raise UserError(
            f"This layout takes {FEWEST_PICTURES} to {MOST_PICTURES:,} pictures; there are {n:,}."
        )
    seen = features(frozen(loaded.module.to(choose_device("auto"))), pictures.pixels)
    layout = TSNE(
        2, perplexity=min(30, (n - 1) / 3), init="pca", random_state=0, max_iter=_ITERATIONS, n_jobs=1
    )
    places = layout.fit_transform(principal_components(seen, _COMPONENTS).transform(seen))
    return {"ids": pictures.ids, "places": places.astype(np.float32)}
