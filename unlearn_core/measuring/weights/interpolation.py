"""Weight interpolation: accuracy on the line between the weights before and after, and beyond."""

from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unlearn_core.artifacts.predictions import FORGET, RETAIN, TEST
from unlearn_core.common.budget import Budget, sample
from unlearn_core.measuring.finished_run import FinishedRun, load_finished_run, with_weights
from unlearn_core.measuring.predict import predict
from unlearn_core.store.cache import cached
from unlearn_core.store.runs import open_store
from unlearn_core.store.snapshots import interpolated

VERSION = 3
FURTHEST = 1.5
SAMPLE, POINTS = Budget(200, 12), Budget(31, 11)
MOST_PICTURES = 64


def write_interpolation(root: Path, run_id: str) -> Path:
    """Return the path of the measurements along the line; made if they do not exist.

    An unknown run, one without weights, outputs that are not numbers and damaged files raise `UserError`.
    """
    folder = open_store(root).folder(run_id) / "dial"
    return cached(folder, [VERSION], lambda: _line(load_finished_run(root, run_id)))


def _line(run: FinishedRun) -> dict[str, ArrayLike]:
    strengths = np.linspace(0, FURTHEST, POINTS.of(run.before.input_size)).round(4)
    forgotten = run.comparison.in_group(FORGET)[:MOST_PICTURES]
    samples = {"forget": forgotten, "retain": _sample(run, RETAIN), "test": _sample(run, TEST)}
    before, after = run.before.module.state_dict(), run.after.module.state_dict()
    shares: dict[str, list[float]] = {name: [] for name in samples}
    classes, tops = [], []
    for strength in strengths:
        module = with_weights(run.before, interpolated(before, after, float(strength))).module
        for name, positions in samples.items():
            labels = run.comparison.labels[positions].astype(np.int64)
            pictures = run.pictures(run.comparison.ids[positions].tolist())
            said = predict(module, pictures, labels, run.device)
            shares[name].append(100 * float((said.classes == labels).mean()) if len(labels) else np.nan)
            if name == "forget":
                classes.append(said.classes)
                tops.append(said.top_confidences)
    return {
        "strengths": strengths,
        **shares,
        "ids": run.comparison.ids[forgotten],
        "labels": run.comparison.labels[forgotten],
        "inputs": run.pictures(run.comparison.ids[forgotten].tolist()),
        "classes": np.stack(classes),
        "tops": np.stack(tops),
    }


def _sample(run: FinishedRun, group: int) -> NDArray[np.intp]:
    """Return positions of a fixed sample of a group's pictures."""
    inside = np.flatnonzero((run.comparison.group == group) & (run.comparison.image_set == 0))
    return np.sort(sample(inside, SAMPLE.of(run.before.input_size)))
