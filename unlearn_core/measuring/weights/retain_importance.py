"""Importance of the weights for the retain set, to compare with that for the forget set."""

from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from unlearn_core.artifacts.predictions import RETAIN
from unlearn_core.common.budget import Budget, sample
from unlearn_core.errors import UserError
from unlearn_core.forgetting.importance import mas_importance, min_max_scaled
from unlearn_core.measuring.finished_run import FinishedRun, load_finished_run
from unlearn_core.measuring.weight_matrices import per_channel, weight_matrices
from unlearn_core.store.cache import cached
from unlearn_core.store.runs import open_store

VERSION = 1
SAMPLE = Budget(64, 8)


def write_retain_importance(root: Path, run_id: str) -> Path:
    """Return the path of `importance_i`, (filters, channels) of layer number i as in `weight_maps.npz`.

    MAS of the classifier before on a fixed sample of D_r, min-max scaled in its tensor. An unknown run, one
    without retained pictures and damaged files raise `UserError`.
    """
    folder = open_store(root).folder(run_id) / "retain_importance"
    return cached(folder, [VERSION], lambda: _importance(load_finished_run(root, run_id)))


def _importance(run: FinishedRun) -> dict[str, ArrayLike]:
    inside = np.flatnonzero((run.comparison.image_set == 0) & (run.comparison.group == RETAIN))
    if not len(inside):
        raise UserError("This run has no retained pictures to compare with.")
    chosen = sample(inside, SAMPLE.of(run.before.input_size))
    module = run.before.module
    module.requires_grad_(True)
    try:
        scaled = min_max_scaled(mas_importance(module, run.pixels(run.comparison.ids[chosen].tolist())))
    finally:
        module.requires_grad_(False)
    return {
        f"importance_{number}": per_channel(scaled[f"{name}.weight"])
        for number, name in enumerate(weight_matrices(module))
    }
