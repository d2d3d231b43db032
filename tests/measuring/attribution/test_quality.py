"""How far maps can be trusted, and the convergence delta."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from tests.measuring.attribution.conftest import SIDE
from unlearn_core.artifacts.attribution_quality import read_attribution_quality
from unlearn_core.catalog.classifiers import Classifier
from unlearn_core.measuring.attribution.convergence import convergence_delta
from unlearn_core.measuring.attribution.quality import quality, write_attribution_quality
from unlearn_core.measuring.attribution.registry import algorithm_entry
from unlearn_core.measuring.attribution.request import AttributionRequest
from unlearn_core.measuring.attribution.settings import SettingValue
from unlearn_core.store.runs import Store

Linear = tuple[Classifier, Tensor, Tensor, NDArray[np.float32]]


def test_the_numbers_of_trust_are_zero_where_a_map_is_right(
    cached_store: Store, finished: str, linear: Linear
) -> None:
    request = AttributionRequest.parse(finished, [3], "deeplift")
    found = read_attribution_quality(write_attribution_quality(cached_store.root, request))
    assert found.ids.tolist() == [3]
    assert found.before.convergence_delta[0] < 0.01
    assert 0 < found.before.sensitivity[0] < 1
    assert not np.array_equal(found.before.sensitivity, found.after.sensitivity)
    classifier, pixels, targets, _ = linear
    exact = quality(classifier, pixels, targets, "integrated-gradients", 0)
    assert np.max(exact.convergence_delta) < 1e-5


def test_infidelity_is_zero_where_a_map_is_the_gradient(linear: Linear) -> None:
    classifier, pixels, targets, _ = linear
    # Of a linear model guided backpropagation gives the weights, saliency only their absolute values.
    exact = quality(classifier, pixels, targets, "guided-backprop", 0)
    assert np.max(exact.infidelity) < 1e-9
    # A straight map never changes: what is left of sensitivity is nothing.
    assert np.max(exact.sensitivity) < 1e-6
    assert np.min(quality(classifier, pixels, targets, "saliency", 0).infidelity) > 1e-5


@pytest.mark.parametrize(
    "algorithm", ["integrated-gradients", "input-x-gradient", "deeplift", "feature-ablation", "occlusion"]
)
@pytest.mark.parametrize("baseline", ["black", "grey"])
def test_infidelity_is_zero_where_a_map_holds_the_contributions(
    linear: Linear, algorithm: str, baseline: str
) -> None:
    classifier, pixels, targets, _ = linear
    # Half of each picture is black; tiles of one pixel hold its own contribution.
    pixels[..., : SIDE // 2] = 0
    known: dict[str, SettingValue] = {"baseline": baseline, "patches": SIDE}
    exact = quality(classifier, pixels, targets, algorithm, 0, algorithm_entry(algorithm).own(known))
    assert np.max(exact.infidelity) < 1e-9


def test_only_maps_that_should_add_up_have_a_convergence_delta(linear: Linear) -> None:
    classifier, pixels, targets, _ = linear
    exact = quality(classifier, pixels, targets, "deeplift", 0, {"baseline": "white"})
    assert np.max(exact.convergence_delta) < 1e-5
    assert np.isnan(quality(classifier, pixels, targets, "saliency", 0).convergence_delta).all()


@pytest.mark.parametrize("baseline", [0.0, 0.5, 1.0])
def test_the_convergence_delta_is_the_share_that_a_map_misses(linear: Linear, baseline: float) -> None:
    classifier, pixels, targets, weights = linear
    classifier.module.double()
    pixels = pixels.double()
    right = torch.from_numpy(weights)[:, None] * (pixels - baseline)
    for share in (1.0, 0.75, 1.5, 0.0):
        found = convergence_delta(classifier, pixels, targets, share * right, baseline)
        np.testing.assert_allclose(found, abs(share - 1), atol=1e-9)
    same = torch.full_like(pixels, baseline)
    assert torch.equal(
        convergence_delta(classifier, same, targets, 0 * right, baseline), torch.zeros(4).double()
    )
