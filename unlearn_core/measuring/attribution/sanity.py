"""Sanity checks of attribution maps (Adebayo et al., arXiv 1810.03292): do they depend on the weights?

A map that stays the same when the weights are random shows the picture, not the classifier. It then says
nothing about forgetting.
"""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from unlearn_core.artifacts.attribution_sanity import SanityCheck
from unlearn_core.catalog.classifiers import Classifier
from unlearn_core.catalog.custom.introspect import last_layer
from unlearn_core.common.rank_correlation import rank_correlation
from unlearn_core.measuring.attribution.contrast import explained
from unlearn_core.measuring.attribution.explain import maps_of
from unlearn_core.measuring.attribution.registry import check_offered
from unlearn_core.measuring.attribution.request import AttributionRequest
from unlearn_core.measuring.finished_run import load_finished_run, with_weights
from unlearn_core.store.cache import cached
from unlearn_core.store.runs import open_store

VERSION = 3


def write_sanity_check(root: Path, request: AttributionRequest) -> Path:
    """Return the path of the `SanityCheck` of a request's maps; made if it does not exist.

    Raises:
        UserError: an unknown run, picture or class, an algorithm that is not valid for the classifier, or a
            damaged run folder.
    """
    store = open_store(root)
    check_offered(store.get(request.run_id).parsed_request().classifier, request.algorithm)

    def make() -> dict[str, ArrayLike]:
        run = load_finished_run(root, request.run_id)
        asked, seed = explained(run, request.ids, request.target), run.request.seed
        trained, last, every = (
            maps_of(run, request, asked, one)
            for one in (
                run.before,
                shuffled(run.before, seed, last_layer(run.before.module, run.pixels(request.ids[:1]))),
                shuffled(run.before, seed),
            )
        )
        return SanityCheck(
            ids=np.array(request.ids),
            inputs=run.pictures(request.ids),
            trained=trained,
            last_layer=last,
            all_layers=every,
            last_layer_correlation=np.array(list(map(rank_correlation, trained, last))),
            all_layers_correlation=np.array(list(map(rank_correlation, trained, every))),
        ).arrays()

    key = [VERSION, request.ids, request.algorithm, request.target, request.settings]
    return cached(store.folder(request.run_id) / "attribution_sanity", key, make)


def shuffled(classifier: Classifier, seed: int, layer: str = "") -> Classifier:
    """Return a copy whose parameters have their values in random order, which keeps their distribution.

    Args:
        classifier: on any device.
        seed: of the order.
        layer: only the parameters of this layer; "": all.
    """
    generator = torch.Generator().manual_seed(seed)
    weights: dict[str, Tensor] = dict(classifier.module.state_dict())
    for name, parameter in classifier.module.named_parameters():
        if name.startswith(f"{layer}." if layer else ""):
            order = torch.randperm(parameter.numel(), generator=generator)
            weights[name] = parameter.detach().flatten()[order].reshape(parameter.shape)
    return with_weights(classifier, weights)
