"""Quality of maps: Captum's infidelity and sensitivity, convergence delta, deletion and insertion curves."""

from pathlib import Path

import numpy as np
import torch
from captum.metrics import infidelity, sensitivity_max
from numpy.typing import ArrayLike
from torch import Tensor

from unlearn_core.artifacts.attribution_maps import read_attributions
from unlearn_core.artifacts.attribution_quality import AttributionQuality, MapQuality
from unlearn_core.catalog.classifiers import Classifier
from unlearn_core.measuring.attribution.contrast import explained
from unlearn_core.measuring.attribution.convergence import convergence_delta
from unlearn_core.measuring.attribution.deletion import deletion_and_insertion
from unlearn_core.measuring.attribution.explain import explanation, write_attributions
from unlearn_core.measuring.attribution.registry import algorithm_entry
from unlearn_core.measuring.attribution.request import NO_SETTINGS, AttributionRequest
from unlearn_core.measuring.attribution.settings import BASELINE, Settings, baseline_value
from unlearn_core.measuring.finished_run import load_finished_run
from unlearn_core.store.cache import cached
from unlearn_core.store.runs import open_store

VERSION = 6
PERTURBATIONS = 16
NOISE = 0.03
"""Of the perturbations for infidelity: in pixel values, or of a pixel's difference from the baseline."""
RADIUS = 0.02
"""Of the perturbations for sensitivity, in pixel values (L∞)."""


def write_attribution_quality(root: Path, request: AttributionRequest) -> Path:
    """Return the path of the `AttributionQuality` of a request's maps; made if it does not exist.

    Raises:
        UserError: an unknown run, picture or class, or a damaged run folder.
    """

    def make() -> dict[str, ArrayLike]:
        run = load_finished_run(root, request.run_id)
        pixels = run.pixels(request.ids)
        asked = explained(run, request.ids, request.target)
        seed, settings = run.request.seed, dict(request.settings)
        before, after = (
            quality(wider, pixels, columns, request.algorithm, seed, settings)
            for wider, columns in map(asked.within, (run.before, run.after))
        )
        shown = read_attributions(write_attributions(root, request))
        baseline = baseline_value(pixels, {BASELINE.name: BASELINE.default, **settings})
        curves = [
            deletion_and_insertion(classifier, pixels, asked, maps, baseline)
            for classifier, maps in ((run.before, shown.before), (run.after, shown.after))
        ]
        deletion, insertion = (np.stack(both, 1) for both in zip(*curves, strict=True))
        return AttributionQuality(np.array(request.ids), before, after, deletion, insertion).arrays()

    folder = open_store(root).folder(request.run_id) / "attribution_quality"
    key = [VERSION, request.ids, request.algorithm, request.target, request.settings]
    return cached(folder, key, make)


def quality(
    classifier: Classifier,
    pixels: Tensor,
    targets: Tensor,
    algorithm: str,
    seed: int,
    settings: Settings = NO_SETTINGS,
) -> MapQuality:
    """Return the quality of one classifier's maps; the arguments are those of `attribute`."""
    entry = algorithm_entry(algorithm)
    complete = entry.complete(settings)

    def explain(inputs: tuple[Tensor, ...], target: Tensor) -> tuple[Tensor]:
        # Captum's metrics create views, which channels_last tensors do not support.
        return (explanation(classifier, inputs[0], target, algorithm, seed, settings).contiguous(),)

    baseline = baseline_value(pixels, complete) if BASELINE.name in complete else 0.0

    def disturb(inputs: Tensor) -> tuple[Tensor, Tensor]:
        noise = NOISE * torch.randn_like(inputs)
        # A contribution says what its share of the difference does, and nothing where there is none.
        return noise, inputs - noise * (inputs - baseline if entry.is_multiplied else 1)

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
    delta = torch.full((len(pixels),), torch.nan)
    if entry.is_complete:
        delta = convergence_delta(classifier, pixels, targets, maps, baseline)
    return MapQuality(*(found.detach().cpu().double().numpy() for found in (unfaithful, unsteady, delta)))
