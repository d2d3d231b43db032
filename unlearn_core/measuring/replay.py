"""A run as a film: predictions, attribution maps and features of chosen pictures at every snapshot."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from unlearn_core.artifacts.predictions import FORGET, RETAIN
from unlearn_core.common.budget import Budget, sample
from unlearn_core.errors import UserError
from unlearn_core.measuring.attribution.contrast import explained
from unlearn_core.measuring.attribution.explain import attribute
from unlearn_core.measuring.attribution.request import AttributionRequest
from unlearn_core.measuring.finished_run import FinishedRun, load_finished_run, with_weights
from unlearn_core.measuring.predict import predict
from unlearn_core.measuring.representation.features import features, principal_components
from unlearn_core.store.cache import cached
from unlearn_core.store.runs import open_store
from unlearn_core.store.snapshots import Weights, read_snapshots

VERSION = 3
MOST_PICTURES = 8
MOST_FRAMES = 24
POINTS = Budget(400, 40)
MAP_SIDE = 56
"""Pixels: larger maps are subsampled, since a film has dozens of them."""


def write_replay(root: Path, request: AttributionRequest) -> Path:
    """Return the path of a run's film; made if it does not exist.

    Args:
        root: of the store.
        request: the pictures to follow, at most `MOST_PICTURES`, and how to explain them at each snapshot.

    Raises:
        UserError: too many pictures, an unknown run, picture or class, or a damaged run folder.
    """
    if len(request.ids) > MOST_PICTURES:
        raise UserError(f"Choose 1 to {MOST_PICTURES} pictures.")
    asked = [VERSION, request.ids, request.algorithm, request.target, request.settings]
    return cached(
        open_store(root).folder(request.run_id) / "replay",
        asked,
        lambda: _film(load_finished_run(root, request.run_id), request),
    )


def _film(run: FinishedRun, request: AttributionRequest) -> dict[str, ArrayLike]:
    ids, settings = request.ids, dict(request.settings)
    pictures, pixels, labels = run.pictures(ids), run.pixels(ids), run.targets(ids, "label")
    asked = explained(run, ids, request.target)
    points = _points(run)
    seen = run.pictures(run.comparison.ids[points].tolist())
    plane = principal_components(features(run.before.module, seen), 2)
    frames: dict[str, list[ArrayLike]] = {name: [] for name in ("steps", "classes", "tops", "maps", "places")}
    for step, weights in _thinned(_snapshots(run)):
        classifier = with_weights(run.before, weights)
        said = predict(classifier.module, pictures, labels, torch.device("cpu"))
        wider, columns = asked.within(classifier)
        maps = attribute(wider, pixels, columns, request.algorithm, run.request.seed, settings)
        frames["steps"].append(step)
        frames["classes"].append(said.classes)
        frames["tops"].append(said.top_confidences)
        frames["maps"].append(_thin(maps))
        frames["places"].append(plane.transform(features(classifier.module, seen)))
    return {
        **{name: np.stack(values) for name, values in frames.items()},
        "ids": np.array(ids),
        "labels": labels,
        "targets": asked.targets,
        "against": asked.against,
        "inputs": pictures,
        "point_ids": run.comparison.ids[points],
        "point_labels": run.comparison.labels[points],
        "point_groups": run.comparison.group[points],
    }


def _snapshots(run: FinishedRun) -> list[tuple[int, Weights]]:
    """Return step and weights from the start to the run's final classifier, which is the last frame.

    The snapshots between are quantised; both ends are exact. If the run's strength is not 1, its classifier
    is an additional step.
    """
    snapshots = list(read_snapshots(run.folder / "snapshots", run.before.module.state_dict()))
    if not snapshots:
        raise UserError("This run has no snapshots: run it again.")
    last = snapshots[-1][0]
    after = run.after.module.state_dict()
    if run.request.strength == 1:
        return [*snapshots[:-1], (last, after)]
    return [*snapshots, (last + 1, after)]


def _points(run: FinishedRun) -> NDArray[np.intp]:
    """Return positions of the pictures in the plane: the forget set and a sample of the retain set."""
    own = run.comparison.image_set == 0
    forgotten = np.flatnonzero(own & (run.comparison.group == FORGET))
    retained = np.flatnonzero(own & (run.comparison.group == RETAIN))
    most = POINTS.of(run.before.input_size)
    return np.concatenate([forgotten[:most], np.sort(sample(retained, most))])


def _thinned(frames: list[tuple[int, Weights]]) -> list[tuple[int, Weights]]:
    """Return at most `MOST_FRAMES` frames, including the first and the last one."""
    places = np.unique(np.linspace(0, len(frames) - 1, min(MOST_FRAMES, len(frames))).round().astype(int))
    return [frames[place] for place in places]


def _thin(maps: NDArray[np.float32]) -> NDArray[np.float32]:
    every = max(1, maps.shape[1] // MAP_SIDE)
    return maps[:, ::every, ::every]
