"""Attributions of a run's classifier before and after.

Both classifiers get the same pictures, targets, settings, seed and layer, so that a difference of two maps is
a difference of the classifiers. Captum registers hooks: only one call at a time per process.
"""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from skimage.metrics import structural_similarity
from torch import Tensor

from unlearn_core.artifacts.attribution_maps import Attributions
from unlearn_core.catalog.classifiers import Classifier
from unlearn_core.common.rank_correlation import rank_correlation
from unlearn_core.common.sharing import is_shared
from unlearn_core.common.surroundings import usual_surroundings
from unlearn_core.errors import UserError, first_line
from unlearn_core.measuring.attribution.contrast import Explained, explained
from unlearn_core.measuring.attribution.registry import algorithm_entry, check_offered
from unlearn_core.measuring.attribution.request import NO_SETTINGS, AttributionRequest
from unlearn_core.measuring.attribution.settings import Settings
from unlearn_core.measuring.finished_run import FinishedRun, load_finished_run
from unlearn_core.store.cache import cached
from unlearn_core.store.runs import open_store

VERSION = 5
"""Part of the cache key: increase it when the maps change."""


def write_attributions(root: Path, request: AttributionRequest) -> Path:
    """Return the path of the maps of pictures before and after a run; made if they do not exist.

    Args:
        root: of the store.
        request: run, pictures, algorithm and what to explain.

    Raises:
        UserError: an unknown run, picture or class, an algorithm that is not valid for the classifier, or a
            damaged run folder.
    """
    store = open_store(root)
    check_offered(store.get(request.run_id).parsed_request().classifier, request.algorithm)

    def make() -> dict[str, ArrayLike]:
        run = load_finished_run(root, request.run_id)
        pixels, asked = run.pixels(request.ids), explained(run, request.ids, request.target)
        old, new = (maps_of(run, request, asked, one) for one in (run.before, run.after))
        pairs = list(zip(old, new, strict=True))
        return Attributions(
            inputs=run.pictures(request.ids),
            before=old,
            after=new,
            ids=np.array(request.ids),
            targets=asked.targets,
            against=asked.against,
            scores_before=asked.scores(run.before, pixels),
            scores_after=asked.scores(run.after, pixels),
            rank_correlation=np.array([rank_correlation(*pair) for pair in pairs]),
            similarity=np.array([similarity(*pair) for pair in pairs]),
        ).arrays()

    key = [VERSION, request.ids, request.algorithm, request.target, request.settings]
    return cached(store.folder(request.run_id) / "attributions", key, make)


def maps_of(
    run: FinishedRun, request: AttributionRequest, asked: Explained, classifier: Classifier
) -> NDArray[np.float32]:
    """Return a request's maps of one classifier, (n, h, w); `asked` is what the request explains."""
    wider, columns = asked.within(classifier)
    pixels, seed, settings = run.pixels(request.ids), run.request.seed, dict(request.settings)
    return attribute(wider, pixels, columns, request.algorithm, seed, settings)


def attribute(
    classifier: Classifier,
    pixels: Tensor,
    targets: Tensor,
    algorithm: str,
    seed: int = 0,
    settings: Settings = NO_SETTINGS,
) -> NDArray[np.float32]:
    """Return one map per picture, (n, h, w), summed over the channels.

    Args:
        classifier: in eval mode, on the device of `pixels` and `targets`.
        pixels: (n, c, h, w) in [0, 1].
        targets: int64 (n,), the explained class.
        algorithm: its name, or `NAME:LAYER`.
        seed: of the algorithm's noise, if any.
        settings: of the algorithm; missing ones have their defaults.
    """
    maps = explanation(classifier, pixels, targets, algorithm, seed, settings)
    return maps.sum(1).cpu().numpy().astype(np.float32)


@usual_surroundings()
def explanation(
    classifier: Classifier,
    pixels: Tensor,
    targets: Tensor,
    algorithm: str,
    seed: int = 0,
    settings: Settings = NO_SETTINGS,
) -> Tensor:
    """Like `attribute`, but not summed over channels: (n, c, h, w), or (n, 1, h, w) for maps of layers.

    Raises `UserError` if the algorithm fails, or returns something else or values that are not finite.
    """
    torch.manual_seed(seed)
    np.random.seed(seed)
    entry = algorithm_entry(algorithm)
    complete = entry.complete(settings)
    try:
        # Captum's sensitivity gives one target for all copies of a picture.
        maps = entry.explain(classifier, pixels, targets.expand(len(pixels)), complete)
    except UserError:
        raise
    # Captum's rules, and algorithms of other packages, may raise anything on a user's network.
    except Exception as error:
        words = type(error).__name__ if is_shared() else first_line(error)
        raise UserError(f"{entry.title} fails on {classifier.name}: {words}.") from error
    _check_maps(entry.title, maps, pixels)
    return maps.detach()


def _check_maps(title: str, maps: object, pixels: Tensor) -> None:
    n, c, h, w = pixels.shape
    if not isinstance(maps, Tensor):
        raise UserError(f"{title} returns a {type(maps).__name__} instead of a tensor of maps.")
    if maps.shape not in ((n, c, h, w), (n, 1, h, w)):
        raise UserError(
            f"{title} returns maps of the shape {tuple(maps.shape)} for pictures of {tuple(pixels.shape)}."
        )
    if not maps.isfinite().all():
        raise UserError(f"{title} returns maps with values that are not finite.")


def similarity(before: NDArray[np.float32], after: NDArray[np.float32]) -> float:
    """Return the structural similarity (SSIM) of two maps on their common range, −1 to 1; 1 is identical."""
    both = np.stack([before, after])
    span = float(np.ptp(both))
    return float(structural_similarity(before, after, data_range=span)) if span else 1.0
