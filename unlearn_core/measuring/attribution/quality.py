"""How far an attribution map can be trusted: Captum's infidelity and sensitivity, and completeness."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from captum.metrics import infidelity, sensitivity_max
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from unlearn_core.catalog.classifiers import Classifier
from unlearn_core.measuring.attribution.explain import baseline, explanation
from unlearn_core.measuring.attribution.registry import DEFAULT_SETTINGS, Settings, algorithm_entry
from unlearn_core.measuring.finished_run import load_finished_run
from unlearn_core.store.cache import cached
from unlearn_core.store.runs import Store

VERSION = 1
PERTURBATIONS = 16
NOISE = 0.03
RADIUS = 0.02
"""Of the pictures that sensitivity looks at, in pixel values (L∞)."""

COMPLETE = ("integrated-gradients", "deeplift")
"""Algorithms whose maps should add up to the change of the score from the empty picture."""


def write_attribution_quality(
    root: Path,
    run_id: str,
    ids: Sequence[int],
    algorithm: str,
    target: str,
    settings: Settings = DEFAULT_SETTINGS,
) -> Path:
    """Return the path of the numbers below, made now unless they are there.

    The arguments are those of `write_attributions`.

    For `before_` and `after_` each, float64 (n,): `infidelity`, how badly the map foretells what small noise
    does to the score, 0 at best (Yeh et al., arXiv 1901.09392); `sensitivity`, how much the map itself
    changes with tiny changes of the picture, 0 at best (same paper); `gap`, the share of the score's change
    from the empty picture that the map misses or invents, nan where the algorithm promises nothing of it.
    """
    algorithm_entry(algorithm)

    def make() -> dict[str, ArrayLike]:
        run = load_finished_run(root, run_id)
        pixels, targets = run.pixels(ids), torch.from_numpy(run.targets(ids, target))
        found: dict[str, ArrayLike] = {"ids": np.array(ids)}
        for when, classifier in (("before", run.before), ("after", run.after)):
            numbers = quality(classifier, pixels, targets, algorithm, run.request.seed, settings)
            for name, values in numbers.items():
                found[f"{when}_{name}"] = values
        return found

    folder = Store(root).folder(run_id) / "attribution_quality"
    return cached(folder, [VERSION, list(ids), algorithm, target, settings.used_by(algorithm)], make)


def quality(
    classifier: Classifier,
    pixels: Tensor,
    targets: Tensor,
    algorithm: str,
    seed: int,
    settings: Settings = DEFAULT_SETTINGS,
) -> dict[str, NDArray[np.float64]]:
    """Return infidelity, sensitivity and gap of one classifier's maps, (n,) each."""

    def explain(inputs: tuple[Tensor, ...], target: Tensor) -> tuple[Tensor]:
        # Captum's metrics take views that tensors in channels_last order do not allow.
        return (explanation(classifier, inputs[0], target, algorithm, seed, settings).contiguous(),)

    def disturb(inputs: Tensor) -> tuple[Tensor, Tensor]:
        noise = NOISE * torch.randn_like(inputs)
        return noise, inputs - noise

    (maps,) = explain((pixels,), targets)
    whole = maps.expand_as(pixels) / (pixels.shape[1] // maps.shape[1])
    pixels, whole = pixels.contiguous(), whole.contiguous()
    torch.manual_seed(seed)
    unfaithful = infidelity(
        classifier.module,
        disturb,
        pixels,
        whole,
        target=targets,
        n_perturb_samples=PERTURBATIONS,
        normalize=True,
    )
    torch.manual_seed(seed)
    unsteady = sensitivity_max(explain, pixels, perturb_radius=RADIUS, n_perturb_samples=4, target=targets)
    return {
        "infidelity": unfaithful.detach().double().numpy(),
        "sensitivity": unsteady.detach().double().numpy(),
        "gap": _gap(classifier, pixels, targets, maps, settings)
        if algorithm in COMPLETE
        else np.full(len(pixels), np.nan),
    }


@torch.no_grad()
def _gap(
    classifier: Classifier, pixels: Tensor, targets: Tensor, maps: Tensor, settings: Settings
) -> NDArray[np.float64]:
    rows = torch.arange(len(pixels))
    empty = torch.full_like(pixels, baseline(pixels, settings))
    change = (classifier.module(pixels) - classifier.module(empty))[rows, targets].double()
    return ((maps.sum((1, 2, 3)) - change).abs() / change.abs().clamp_min(1e-9)).numpy()
