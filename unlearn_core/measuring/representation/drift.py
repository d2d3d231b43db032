"""Change of representations: features before and after on a plane, CKA of each layer, and the similarity of
other pictures to the forgotten ones."""

from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.neighbors import NearestNeighbors
from torch import nn

from unlearn_core.artifacts.predictions import FORGET, RETAIN, TEST
from unlearn_core.common.budget import Budget, sample
from unlearn_core.measuring.finished_run import FinishedRun, load_finished_run
from unlearn_core.measuring.representation.features import (
    activations,
    features,
    linear_cka,
    principal_components,
)
from unlearn_core.measuring.weight_matrices import weight_matrices
from unlearn_core.store.cache import cached
from unlearn_core.store.runs import open_store

VERSION = 1
SAMPLE = Budget(600, 40)
ALIKE = 192
"""Number of pictures for CKA."""

MOST_FLIPPED = 300


def write_drift(root: Path, run_id: str) -> Path:
    """Return the path of a run's drift; made if it does not exist.

    An unknown run, one without weights and damaged files raise `UserError`.
    """
    folder = open_store(root).folder(run_id) / "drift"
    return cached(folder, [VERSION], lambda: _drift(load_finished_run(root, run_id)))


def _drift(run: FinishedRun) -> dict[str, ArrayLike]:
    positions = _points(run)
    pictures = run.pictures(run.comparison.ids[positions].tolist())
    old, new = (features(one.module, pictures) for one in (run.before, run.after))
    plane = principal_components(old, 2)
    forgotten = run.comparison.group[positions] == FORGET
    distance, nearest = NearestNeighbors(n_neighbors=1, metric="cosine").fit(old[forgotten]).kneighbors(old)
    compared = pictures[_spread(len(pictures))]
    names = list(weight_matrices(run.before.module))
    layers = (
        activations(
            one.module,
            compared,
            [one.module.get_submodule(name) for name in names],
            lambda layer, inputs, output: output.mean((2, 3)) if isinstance(layer, nn.Conv2d) else output,
        )
        for one in (run.before, run.after)
    )
    return {
        "positions": positions,
        "before": plane.transform(old),
        "after": plane.transform(new),
        "nearest": run.comparison.ids[positions[forgotten]][nearest[:, 0]],
        "distance": distance[:, 0].astype(np.float32),
        "layers": np.array(names),
        "cka": [linear_cka(*pair) for pair in zip(*layers, strict=True)],
    }


def _points(run: FinishedRun) -> NDArray[np.intp]:
    """Return positions in the comparison: the forget set, flipped pictures, and a sample of the rest."""
    own = run.comparison.image_set == 0
    others = np.isin(run.comparison.group, (RETAIN, TEST))
    flipped = np.flatnonzero(own & others & (run.comparison.before != run.comparison.after))
    rest = np.flatnonzero(own & others & (run.comparison.before == run.comparison.after))
    random = np.random.default_rng(0)
    chosen = sample(rest, SAMPLE.of(run.before.input_size), random), sample(flipped, MOST_FLIPPED, random)
    forgotten = np.flatnonzero(own & (run.comparison.group == FORGET))
    return np.concatenate([forgotten, *(np.sort(one) for one in chosen)])


def _spread(count: int) -> NDArray[np.intp]:
    return np.unique(np.linspace(0, count - 1, min(count, ALIKE)).round().astype(np.intp))
