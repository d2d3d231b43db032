"""Every algorithm against closed forms on a linear model, and on the classifier that ships."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from unlearn_core.catalog.classifiers import Classifier
from unlearn_core.measuring.attribution.algorithms import integrated_gradients
from unlearn_core.measuring.attribution.convergence import score_change
from unlearn_core.measuring.attribution.explain import attribute
from unlearn_core.measuring.attribution.registry import algorithms
from unlearn_core.measuring.attribution.settings import Settings

NAMES = [entry.name for entry in algorithms()]


def test_on_a_linear_model_every_algorithm_gives_its_closed_form(
    linear: tuple[Classifier, Tensor, Tensor, NDArray[np.float32]],
) -> None:
    classifier, pixels, targets, weights = linear
    products = weights * pixels[:, 0].numpy()
    for name in ("saliency", "smoothgrad"):
        np.testing.assert_allclose(attribute(classifier, pixels, targets, name), abs(weights), atol=1e-6)
    for name in ("input-x-gradient", "integrated-gradients", "deeplift"):
        np.testing.assert_allclose(attribute(classifier, pixels, targets, name), products, atol=1e-6)
    signed = attribute(classifier, pixels, targets, "guided-backprop")
    np.testing.assert_allclose(signed, weights, atol=1e-6)
    # Tiles of 2 × 2: emptying one takes away the sum of its products, which each of its pixels is given.
    tiles = products.reshape(4, 7, 2, 7, 2).sum((2, 4)).repeat(2, 1).repeat(2, 2)
    np.testing.assert_allclose(attribute(classifier, pixels, targets, "feature-ablation"), tiles, atol=1e-5)
    # Windows of 2 × 2 at every place: each pixel gets the mean over the windows that cover it.
    sums = np.stack([p[:-1, :-1] + p[1:, :-1] + p[:-1, 1:] + p[1:, 1:] for p in products])
    occluded = attribute(classifier, pixels, targets, "occlusion")
    inner = (sums[:, :-1, :-1] + sums[:, 1:, :-1] + sums[:, :-1, 1:] + sums[:, 1:, 1:]) / 4
    np.testing.assert_allclose(occluded[:, 1:-1, 1:-1], inner, atol=1e-5)
    np.testing.assert_allclose(occluded[:, 0, 0], sums[:, 0, 0], atol=1e-5)


def test_settings_reach_the_algorithms_that_use_them(
    linear: tuple[Classifier, Tensor, Tensor, NDArray[np.float32]],
) -> None:
    classifier, pixels, targets, weights = linear
    against_white = weights * (pixels[:, 0].numpy() - 1)
    for name in ("integrated-gradients", "deeplift"):
        maps = attribute(classifier, pixels, targets, name, settings={"baseline": "white"})
        np.testing.assert_allclose(maps, against_white, atol=1e-6)
    # Two tiles along a side: each pixel is given the sum of its quarter's products.
    quarters = against_white.reshape(4, 2, 7, 2, 7).sum((2, 4)).repeat(7, 1).repeat(7, 2)
    settings: Settings = {"baseline": "white", "patches": 2}
    maps = attribute(classifier, pixels, targets, "feature-ablation", settings=settings)
    np.testing.assert_allclose(maps, quarters, atol=1e-5)
    quiet, loud = (
        attribute(classifier, pixels, targets, "gradient-shap", settings={"noise": noise})
        for noise in (1e-6, 0.5)
    )
    products = weights * pixels[:, 0].numpy()
    assert np.abs(quiet - products).max() < np.abs(loud - products).max()


@pytest.mark.parametrize("name", ["integrated-gradients", "deeplift"])
def test_maps_add_up_to_the_change_of_the_score(digits: tuple[Classifier, Tensor, Tensor], name: str) -> None:
    classifier, pixels, targets = digits
    maps = attribute(classifier, pixels, targets, name)
    rows = torch.arange(len(pixels))
    gap = classifier.module(pixels)[rows, targets] - classifier.module(0 * pixels)[rows, targets]
    np.testing.assert_allclose(maps.sum((1, 2)), gap, rtol=0.01)


class Jump(nn.Module):
    """A score that changes within a hundredth of the way from a black to a white picture."""

    def forward(self, pixels: Tensor) -> Tensor:
        return torch.atan(200 * (pixels.mean((1, 2, 3)) - 0.367))[:, None]


def test_integrated_gradients_halve_pieces_where_a_score_jumps() -> None:
    classifier = Classifier("jump", Jump().eval(), ("a",), (), 1, 14, ())
    white, target = torch.ones(1, 1, 14, 14), torch.tensor([0])
    few = integrated_gradients._with_pieces(classifier, white, target, 0.0, 32)
    change = float(score_change(classifier, white, target, 0.0))
    assert float(few.sum()) != pytest.approx(change, rel=0.1)
    maps = attribute(classifier, white, target, "integrated-gradients")
    assert maps.sum() == pytest.approx(change, rel=0.01)


@pytest.mark.parametrize("name", NAMES)
def test_all_at_once_equals_one_by_one_and_leaves_the_classifier_alone(
    digits: tuple[Classifier, Tensor, Tensor], name: str
) -> None:
    classifier, pixels, targets = digits
    before = {key: tensor.clone() for key, tensor in classifier.module.state_dict().items()}
    logits = classifier.module(pixels)
    maps = attribute(classifier, pixels, targets, name)
    assert maps.shape == (len(pixels), 28, 28)
    assert np.isfinite(maps).all()
    assert abs(maps).max() > 0
    if name not in ("smoothgrad", "gradient-shap"):  # their noise belongs to the whole batch
        alone = attribute(classifier, pixels[2:3], targets[2:3], name)
        np.testing.assert_allclose(alone[0], maps[2], atol=1e-4)
    assert np.array_equal(attribute(classifier, pixels, targets, name), maps)
    for key, tensor in classifier.module.state_dict().items():
        assert torch.equal(tensor, before[key])
    assert torch.equal(classifier.module(pixels), logits)
    assert not any(layer._forward_hooks or layer._backward_hooks for layer in classifier.module.modules())
