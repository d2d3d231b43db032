"""Where in the picture: Captum attributions of a run's classifier before and after.

Both classifiers get the same pictures, targets, baseline, seed and layer, so that a difference of two maps is
a difference of the classifiers. Captum changes hooks while it works: one call at a time in a process.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from captum.attr import (
    DeepLift,
    FeatureAblation,
    GradientShap,
    GuidedBackprop,
    InputXGradient,
    IntegratedGradients,
    LayerAttribution,
    LayerGradCam,
    NoiseTunnel,
    Occlusion,
    Saliency,
)
from numpy.typing import ArrayLike, NDArray
from scipy.stats import spearmanr
from skimage.metrics import structural_similarity
from torch import Tensor

from unlearn_core.catalog.classifiers import Classifier
from unlearn_core.common.budget import SMALL
from unlearn_core.errors import UserError
from unlearn_core.measuring.attribution.registry import DEFAULT_SETTINGS, Settings, algorithm_entry, offered
from unlearn_core.measuring.finished_run import load_finished_run
from unlearn_core.store.cache import cached
from unlearn_core.store.runs import Store

VERSION = 1
"""Part of the file's key: raise it when the maps change."""

MOST_PICTURES = 64
NOISY_COPIES = 16
LARGEST_BATCH, LARGEST_PHOTO_BATCH = 256, 16

COMPLETE_WITHIN = 0.01
"""Integrated gradients: a picture whose map misses more of the score's change than this gets a finer path."""
PATH_STEPS, PHOTO_PATH_STEPS = (64, 256), (48,)
"""Points on the path from the empty picture: the first try, then finer ones. Photos take too long for two."""


def write_attributions(
    root: Path,
    run_id: str,
    ids: Sequence[int],
    algorithm: str,
    target: str,
    settings: Settings = DEFAULT_SETTINGS,
) -> Path:
    """Return the path of the maps of pictures before and after a run, made now unless they are there.

    Args:
        root: of the store.
        run_id: a run that has weights.
        ids: of pictures of the run's image set, at most `MOST_PICTURES`.
        algorithm: a name of `ALGORITHMS`.
        target: the class that is explained: "label" (what the picture was), "new" (what it is predicted as
            after the run), or a class index.
        settings: of the algorithm.

    Raises:
        UserError: an unknown run, picture, algorithm or class, or a damaged run folder.
    """
    classifier = Store(root).get(run_id).parsed_request().classifier
    check_offered(classifier, algorithm)
    if not 0 < len(ids) <= MOST_PICTURES:
        raise UserError(f"Choose 1 to {MOST_PICTURES} pictures.")

    def make() -> dict[str, ArrayLike]:
        run = load_finished_run(root, run_id)
        pictures, targets = run.pictures(ids), run.targets(ids, target)
        pixels, seed = run.pixels(ids), run.request.seed
        old, new = (
            attribute(one, pixels, torch.from_numpy(targets), algorithm, seed, settings)
            for one in (run.before, run.after)
        )
        return {
            "inputs": pictures,
            "before": old,
            "after": new,
            "ids": np.array(ids),
            "targets": targets,
            "rank_correlation": [rank_correlation(*pair) for pair in zip(old, new, strict=True)],
            "similarity": [similarity(*pair) for pair in zip(old, new, strict=True)],
        }

    folder = Store(root).folder(run_id) / "attributions"
    return cached(folder, [VERSION, list(ids), algorithm, target, settings.used_by(algorithm)], make)


def check_offered(classifier: str, algorithm: str) -> None:
    """Raise `UserError` for an algorithm that is unknown or not right on a classifier."""
    entry = algorithm_entry(algorithm)
    if algorithm not in [one.name for one in offered(classifier)]:
        raise UserError(f"{entry.title} would give a wrong picture of {classifier}.")


def attribute(
    classifier: Classifier,
    pixels: Tensor,
    targets: Tensor,
    algorithm: str,
    seed: int = 0,
    settings: Settings = DEFAULT_SETTINGS,
) -> NDArray[np.float32]:
    """Return one map a picture, (n, h, w), summed over the channels.

    Args:
        classifier: on the CPU, in eval mode.
        pixels: (n, c, h, w) in [0, 1].
        targets: int64 (n,), the class that is explained.
        algorithm: a name of `ALGORITHMS`.
        seed: of SmoothGrad's noise.
        settings: of the algorithm.
    """
    maps = explanation(classifier, pixels, targets, algorithm, seed, settings)
    return maps.sum(1).numpy().astype(np.float32)


def explanation(
    classifier: Classifier,
    pixels: Tensor,
    targets: Tensor,
    algorithm: str,
    seed: int = 0,
    settings: Settings = DEFAULT_SETTINGS,
) -> Tensor:
    """Return what `attribute` sums over the channels: (n, c, h, w), or (n, 1, h, w) for maps of layers."""
    torch.manual_seed(seed)
    np.random.seed(seed)
    plain, _, layer = algorithm.partition(":")
    if layer:
        classifier = replace(classifier, cam_layers=(layer,))
    return _EXPLAINERS[plain](classifier, pixels, targets, settings).detach()


def baseline(pixels: Tensor, settings: Settings) -> float:
    """Return the empty picture's value, unless set: black paper for digits, mid-grey for photos."""
    return {"black": 0.0, "grey": 0.5, "white": 1.0}.get(
        settings.baseline, 0.0 if pixels.shape[1] == 1 else 0.5
    )


def rank_correlation(before: NDArray[np.float32], after: NDArray[np.float32]) -> float:
    """Return Spearman's rank correlation of two maps, −1 to 1; nan where one is constant."""
    if np.ptp(before) == 0 or np.ptp(after) == 0:
        return float("nan")
    return float(spearmanr(before.ravel(), after.ravel()).statistic)


def similarity(before: NDArray[np.float32], after: NDArray[np.float32]) -> float:
    """Return the structural similarity (SSIM) of two maps on their common range, −1 to 1; 1 is the same."""
    both = np.stack([before, after])
    span = float(np.ptp(both))
    return float(structural_similarity(before, after, data_range=span)) if span else 1.0


def _saliency(classifier: Classifier, pixels: Tensor, targets: Tensor, settings: Settings) -> Tensor:
    return Saliency(classifier.module).attribute(pixels, target=targets)


def _input_x_gradient(classifier: Classifier, pixels: Tensor, targets: Tensor, settings: Settings) -> Tensor:
    return InputXGradient(classifier.module).attribute(pixels, target=targets)


def _integrated_gradients(
    classifier: Classifier, pixels: Tensor, targets: Tensor, settings: Settings
) -> Tensor:
    steps = PATH_STEPS if pixels.shape[-1] <= SMALL else PHOTO_PATH_STEPS
    maps, gap = _path_integral(classifier, pixels, targets, settings, steps[0])
    for finer in steps[1:]:
        rough = (gap > COMPLETE_WITHIN).nonzero().flatten()
        if len(rough):
            maps[rough], gap[rough] = _path_integral(
                classifier, pixels[rough], targets[rough], settings, finer
            )
    return maps


def _path_integral(
    classifier: Classifier, pixels: Tensor, targets: Tensor, settings: Settings, steps: int
) -> tuple[Tensor, Tensor]:
    """Return the maps, and the share of the score's change from the empty picture that each misses."""
    rows, empty = torch.arange(len(pixels)), torch.full_like(pixels[:1], baseline(pixels, settings))
    maps = IntegratedGradients(classifier.module).attribute(
        pixels,
        baselines=baseline(pixels, settings),
        target=targets,
        # Midpoints cope best with the kinks of ReLU.
        method="riemann_middle",
        n_steps=steps,
        internal_batch_size=LARGEST_BATCH if pixels.shape[-1] <= SMALL else LARGEST_PHOTO_BATCH,
    )
    with torch.no_grad():
        change = classifier.module(pixels)[rows, targets] - classifier.module(empty)[0, targets]
    return maps, (maps.sum((1, 2, 3)) - change).abs() / change.abs()


def _smoothgrad(classifier: Classifier, pixels: Tensor, targets: Tensor, settings: Settings) -> Tensor:
    return NoiseTunnel(Saliency(classifier.module)).attribute(
        pixels,
        nt_type="smoothgrad",
        nt_samples=NOISY_COPIES,
        nt_samples_batch_size=NOISY_COPIES if pixels.shape[-1] <= SMALL else 2,
        stdevs=settings.noise,
        target=targets,
    )


def _layer_gradcam(classifier: Classifier, pixels: Tensor, targets: Tensor, settings: Settings) -> Tensor:
    layer = classifier.module.get_submodule(classifier.cam_layers[0])
    maps = LayerGradCam(classifier.module, layer).attribute(pixels, target=targets, relu_attributions=True)
    return LayerAttribution.interpolate(maps, tuple(pixels.shape[-2:]), "bilinear")


def _occlusion(classifier: Classifier, pixels: Tensor, targets: Tensor, settings: Settings) -> Tensor:
    side = pixels.shape[-1]
    window, stride = max(1, side // settings.patches), max(1, side // (2 * settings.patches))
    return Occlusion(_skipping_equal(classifier, pixels)).attribute(
        pixels,
        sliding_window_shapes=(pixels.shape[1], window, window),
        strides=(pixels.shape[1], stride, stride),
        baselines=baseline(pixels, settings),
        target=targets,
        perturbations_per_eval=_copies_at_once(pixels),
    )


def _gradient_shap(classifier: Classifier, pixels: Tensor, targets: Tensor, settings: Settings) -> Tensor:
    return GradientShap(classifier.module).attribute(
        pixels,
        baselines=torch.full_like(pixels[:1], baseline(pixels, settings)),
        n_samples=NOISY_COPIES,
        stdevs=settings.noise,
        target=targets,
    )


def _feature_ablation(classifier: Classifier, pixels: Tensor, targets: Tensor, settings: Settings) -> Tensor:
    grid = settings.patches
    rows = torch.arange(pixels.shape[-2]) * grid // pixels.shape[-2]
    columns = torch.arange(pixels.shape[-1]) * grid // pixels.shape[-1]
    tiles = (rows[:, None] * grid + columns).expand(1, *pixels.shape[1:])
    return FeatureAblation(_skipping_equal(classifier, pixels)).attribute(
        pixels,
        baselines=baseline(pixels, settings),
        target=targets,
        feature_mask=tiles,
        perturbations_per_eval=_copies_at_once(pixels),
    )


def _copies_at_once(pixels: Tensor) -> int:
    """Return how many altered copies of every picture go through the classifier together."""
    return max(1, (LARGEST_BATCH if pixels.shape[-1] <= SMALL else LARGEST_PHOTO_BATCH) // len(pixels))


def _skipping_equal(classifier: Classifier, pixels: Tensor) -> Callable[[Tensor], Tensor]:
    """Return the classifier's logits of altered copies, which Captum stacks as (copies × n, c, h, w).

    A copy that equals its picture gets the picture's known logits: covering black paper with black is free.
    """
    with torch.no_grad():
        known = classifier.module(pixels)

    @torch.no_grad()
    def logits(copies: Tensor) -> Tensor:
        copies = copies.unflatten(0, (-1, len(pixels)))
        altered = (copies != pixels).flatten(2).any(2)
        found = known.repeat(len(copies), 1, 1)
        if altered.any():
            found[altered] = classifier.module(copies[altered])
        return found.flatten(0, 1)

    return logits


def _deeplift(classifier: Classifier, pixels: Tensor, targets: Tensor, settings: Settings) -> Tensor:
    empty = torch.full_like(pixels, baseline(pixels, settings))
    return DeepLift(classifier.module).attribute(pixels, baselines=empty, target=targets)


def _guided_backprop(classifier: Classifier, pixels: Tensor, targets: Tensor, settings: Settings) -> Tensor:
    return GuidedBackprop(classifier.module).attribute(pixels, target=targets)


_EXPLAINERS: dict[str, Callable[[Classifier, Tensor, Tensor, Settings], Tensor]] = {
    "saliency": _saliency,
    "input-x-gradient": _input_x_gradient,
    "integrated-gradients": _integrated_gradients,
    "smoothgrad": _smoothgrad,
    "layer-gradcam": _layer_gradcam,
    "occlusion": _occlusion,
    "gradient-shap": _gradient_shap,
    "feature-ablation": _feature_ablation,
    "deeplift": _deeplift,
    "guided-backprop": _guided_backprop,
}
