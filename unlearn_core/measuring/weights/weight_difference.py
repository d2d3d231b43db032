"""How far the weights of a run's classifier are from those of any other of its architecture."""

from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike
from torch import nn

from unlearn_core.catalog.classifiers import load_classifier
from unlearn_core.catalog.entries import classifier_entry
from unlearn_core.errors import UserError
from unlearn_core.measuring.finished_run import load_finished_run
from unlearn_core.measuring.weight_matrices import per_channel, weight_matrices
from unlearn_core.store.cache import cached
from unlearn_core.store.runs import open_store

VERSION = 1


def write_weight_difference(root: Path, run_id: str, other_run: str | None, classifier: str | None) -> Path:
    """Return the path of `change_i`, (filters, channels) of layer number i as in `weight_maps.npz`.

    The root of the mean squared difference over the kernel, between the classifier after the run and another.

    Args:
        root: of the store.
        run_id: of the run.
        other_run: the classifier after this run is the other one.
        classifier: without `other_run`: the name of the other one in the catalog.

    Raises:
        UserError: an unknown run or classifier, one without weights or of another architecture, or damaged
            files.
    """
    folder = open_store(root).folder(run_id) / "weight_difference"

    def make() -> dict[str, ArrayLike]:
        after = load_finished_run(root, run_id).after.module
        if other_run is not None:
            return _differences(after, load_finished_run(root, other_run).after.module)
        assert classifier is not None
        return _differences(after, load_classifier(classifier).module)

    digest = "" if classifier is None else classifier_entry(classifier).digest
    return cached(folder, [VERSION, other_run, classifier, digest], make)


def _differences(one: nn.Module, other: nn.Module) -> dict[str, ArrayLike]:
    mine, theirs = weight_matrices(one), weight_matrices(other)
    if {name: weight.shape for name, weight in mine.items()} != {
        name: weight.shape for name, weight in theirs.items()
    }:
        raise UserError("Only classifiers of one architecture can be compared weight by weight.")
    return {
        f"change_{number}": np.sqrt(per_channel((weight - theirs[name].to(weight.device)).detach() ** 2))
        for number, (name, weight) in enumerate(mine.items())
    }
