"""Weight interpolation: accuracy on the line between the weights before and after, and beyond."""

from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unlearn_core.artifacts.predictions import FORGET, RETAIN, TEST
from unlearn_core.common.budget import Budget, sample
from unlearn_core.errors import UserError
from unlearn_core.measuring.finished_run import FinishedRun, load_finished_run, with_weights
from unlearn_core.measuring.predict import predict
from unlearn_core.store.cache import cached
from unlearn_core.store.runs import open_store
from unlearn_core.store.snapshots import interpolated

VERSION = 4
FURTHEST = 1.5
SAMPLE, POINTS = Budget(200, 12), Budget(31, 11)
MOST_PICTURES = 64


def write_interpolation(root: Path, run_id: str) -> Path:
    """Return the path of the measurements before and after a run; made if they do not exist.

    The arrays: `all_strengths` (p,), where the line can be measured, 0 before and 1 after; both ends as
    `write_point` returns them; `ids`, `labels` and `inputs` of the forgotten pictures, `MOST_PICTURES` or
    fewer.

    An unknown run, one without weights, outputs that are not numbers and damaged files raise `UserError`.
    """
    return cached(_folder(root, run_id), [VERSION], lambda: _ends(load_finished_run(root, run_id)))


def write_point(root: Path, run_id: str, strength: float) -> Path:
    """Return the path of the measurements at one point of the line; made if they do not exist.

    The arrays, with one entry for the point: `strengths` (1,); `forget`, `retain` and `test` (1,), accuracy
    in percent on samples of these pictures, NaN where there are none; `classes` and `tops` (1, n), predicted
    classes and their confidences of the forgotten pictures.

    Raises:
        UserError: as `write_interpolation`, or a strength below 0 or above `FURTHEST`.
    """
    if not 0 <= strength <= FURTHEST:
        raise UserError(f"Choose a strength from 0 to {FURTHEST}.")
    asked = [VERSION, strength]
    return cached(_folder(root, run_id), asked, lambda: _point(load_finished_run(root, run_id), strength))


def _folder(root: Path, run_id: str) -> Path:
    return open_store(root).folder(run_id) / "dial"


def _ends(run: FinishedRun) -> dict[str, ArrayLike]:
    strengths = np.linspace(0, FURTHEST, POINTS.of(run.before.input_size)).round(4)
    ends = [_point(run, strength) for strength in (0.0, 1.0)]
    forgotten = _forgotten(run)
    return {
        # Of few points none may lie at 1.
        "all_strengths": np.union1d(strengths, [0.0, 1.0]),
        **{name: np.concatenate([end[name] for end in ends]) for name in ends[0]},
        "ids": run.comparison.ids[forgotten],
        "labels": run.comparison.labels[forgotten],
        "inputs": run.pictures(run.comparison.ids[forgotten].tolist()),
    }


def _point(run: FinishedRun, strength: float) -> dict[str, NDArray[np.generic]]:
    before, after = run.before.module.state_dict(), run.after.module.state_dict()
    module = with_weights(run.before, interpolated(before, after, strength)).module
    found: dict[str, NDArray[np.generic]] = {"strengths": np.array([strength])}
    for name, positions in (
        ("forget", _forgotten(run)),
        ("retain", _sample(run, RETAIN)),
        ("test", _sample(run, TEST)),
    ):
        labels = run.comparison.labels[positions].astype(np.int64)
        pictures = run.pictures(run.comparison.ids[positions].tolist())
        said = predict(module, pictures, labels, run.device)
        share = 100 * float((said.classes == labels).mean()) if len(labels) else np.nan
        found[name] = np.array([share])
        if name == "forget":
            found |= {"classes": said.classes[None], "tops": said.top_confidences[None]}
    return found


def _forgotten(run: FinishedRun) -> NDArray[np.intp]:
    return run.comparison.in_group(FORGET)[:MOST_PICTURES]


def _sample(run: FinishedRun, group: int) -> NDArray[np.intp]:
    """Return positions of a fixed sample of a group's pictures."""
    inside = np.flatnonzero((run.comparison.group == group) & (run.comparison.image_set == 0))
    return np.sort(sample(inside, SAMPLE.of(run.before.input_size)))
