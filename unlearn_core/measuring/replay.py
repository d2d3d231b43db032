"""A run as a film: predictions, attribution maps and features of chosen pictures at every snapshot."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unlearn_core.artifacts.predictions import FORGET, RETAIN
from unlearn_core.catalog.classifiers import Classifier
from unlearn_core.common.budget import Budget, sample
from unlearn_core.errors import UserError
from unlearn_core.measuring.attribution.contrast import explained
from unlearn_core.measuring.attribution.explain import maps_of
from unlearn_core.measuring.attribution.request import AttributionRequest
from unlearn_core.measuring.finished_run import FinishedRun, load_finished_run, with_weights
from unlearn_core.measuring.predict import predict
from unlearn_core.measuring.representation.features import features, principal_components
from unlearn_core.store.cache import cached
from unlearn_core.store.runs import open_store
from unlearn_core.store.snapshots import read_snapshots, snapshot_steps

VERSION = 4
MOST_PICTURES = 8
MOST_FRAMES = 24
POINTS = Budget(400, 40)
MAP_SIDE = 56
"""Pixels: larger maps are subsampled, since a film has dozens of them."""

Arrays = dict[str, ArrayLike]


def write_replay(root: Path, request: AttributionRequest) -> Path:
    """Return the path of a film with its first and its last frame; made if it does not exist.

    The arrays: `all_steps` (f,), the steps that have a frame; the frames of the first and the last of them as
    `write_frame` returns them; `ids`, `labels` and `inputs` of the n pictures; `point_ids`, `point_labels`
    and `point_groups` of the p pictures in the plane of features; `centre` (d,) and `axes` (2, d) of it.

    Args:
        root: of the store.
        request: the pictures to follow, at most `MOST_PICTURES`, and how to explain them at each snapshot.

    Raises:
        UserError: too many pictures, an unknown run, picture or class, or a damaged run folder.
    """
    if len(request.ids) > MOST_PICTURES:
        raise UserError(f"Choose 1 to {MOST_PICTURES} pictures.")
    return cached(
        open_store(root).folder(request.run_id) / "replay",
        _asked(request),
        lambda: _film(load_finished_run(root, request.run_id), request),
    )


def write_frame(root: Path, request: AttributionRequest, step: int) -> Path:
    """Return the path of one frame of a film; made if it does not exist.

    The arrays, with one entry for the step: `steps` (1,), `classes` and `tops` (1, n), `maps` (1, n, h, w),
    `places` (1, p, 2).

    Raises:
        UserError: as `write_replay`, or a step without a frame.
    """
    film = write_replay(root, request)
    return cached(
        film.parent,
        [*_asked(request), step],
        lambda: _frame_of(load_finished_run(root, request.run_id), request, film, step),
    )


def _asked(request: AttributionRequest) -> list[object]:
    return [VERSION, request.ids, request.algorithm, request.target, request.settings]


def _film(run: FinishedRun, request: AttributionRequest) -> Arrays:
    points = _points(run)
    seen = features(run.before.module, run.pictures(run.comparison.ids[points].tolist()))
    plane = principal_components(seen, 2)
    steps = _steps(run)
    asked = explained(run, request.ids, request.target)
    common: Arrays = {
        "all_steps": np.array(steps),
        "ids": np.array(request.ids),
        "labels": run.targets(request.ids, "label"),
        "targets": asked.targets,
        "against": asked.against,
        "inputs": run.pictures(request.ids),
        "point_ids": run.comparison.ids[points],
        "point_labels": run.comparison.labels[points],
        "point_groups": run.comparison.group[points],
        "centre": plane.mean_,
        "axes": plane.components_,
    }
    # The snapshot of step 0 differs by nothing from the classifier before.
    frames = [_frame(run, request, common, run.before, steps[0], seen)]
    if len(steps) > 1:
        frames.append(_frame(run, request, common, run.after, steps[-1]))
    return {**common, **{name: np.concatenate([frame[name] for frame in frames]) for name in frames[0]}}


def _frame_of(run: FinishedRun, request: AttributionRequest, film: Path, step: int) -> Arrays:
    with np.load(film, allow_pickle=False) as arrays:
        common = {name: arrays[name] for name in ("labels", "point_ids", "centre", "axes")}
    for number, weights in read_snapshots(run.folder / "snapshots", run.before.module.state_dict()):
        if number == step:
            return {**_frame(run, request, common, with_weights(run.before, weights), step)}
    raise UserError(f"This run has no snapshot of step {step}.")


def _frame(
    run: FinishedRun,
    request: AttributionRequest,
    common: Mapping[str, ArrayLike],
    classifier: Classifier,
    step: int,
    seen: NDArray[np.float32] | None = None,
) -> dict[str, NDArray[Any]]:
    """Return one frame; `seen` are the features of the pictures in the plane, where they are known."""
    ids, labels = request.ids, np.asarray(common["labels"])
    said = predict(classifier.module, run.pictures(ids), labels, run.device)
    maps = maps_of(run, request, explained(run, ids, request.target), classifier)
    if seen is None:
        seen = features(classifier.module, run.pictures(np.asarray(common["point_ids"]).tolist()))
    places = (seen - np.asarray(common["centre"])) @ np.asarray(common["axes"]).T
    return {
        "steps": np.array([step]),
        "classes": said.classes[None],
        "tops": said.top_confidences[None],
        "maps": _thin(maps)[None],
        "places": places[None],
    }


def _steps(run: FinishedRun) -> list[int]:
    """Return the steps that have a frame: at most `MOST_FRAMES`, including the first and the last one.

    The snapshots between are quantised; both ends are exact. If the run's strength is not 1, its classifier
    is an additional step.
    """
    steps = snapshot_steps(run.folder / "snapshots")
    if not steps:
        raise UserError("This run has no snapshots: run it again.")
    if run.request.strength != 1:
        steps.append(steps[-1] + 1)
    places = np.unique(np.linspace(0, len(steps) - 1, min(MOST_FRAMES, len(steps))).round().astype(int))
    return [steps[place] for place in places]


def _points(run: FinishedRun) -> NDArray[np.intp]:
    """Return positions of the pictures in the plane: the forget set and a sample of the retain set."""
    own = run.comparison.image_set == 0
    forgotten = np.flatnonzero(own & (run.comparison.group == FORGET))
    retained = np.flatnonzero(own & (run.comparison.group == RETAIN))
    most = POINTS.of(run.before.input_size)
    return np.concatenate([forgotten[:most], np.sort(sample(retained, most))])


def _thin(maps: NDArray[np.float32]) -> NDArray[np.float32]:
    every = max(1, maps.shape[1] // MAP_SIDE)
    return maps[:, ::every, ::every]
