import numpy as np
import pytest
import torch
from torch import nn

from unlearn_core.errors import UserError
from unlearn_core.measuring.representation.features import features, linear_cka, principal_components


def test_features_are_what_goes_into_the_last_linear_layer() -> None:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Flatten(), nn.Linear(16, 5), nn.ReLU(), nn.Linear(5, 3)).eval()
    pictures = np.random.default_rng(0).integers(0, 256, (7, 4, 4, 1), np.uint8)
    pixels = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255
    expected = module[:3](pixels).detach().numpy()
    np.testing.assert_allclose(features(module, pictures), expected, atol=1e-6)
    assert not module[3]._forward_hooks


def test_a_classifier_without_a_linear_layer_is_one_sentence() -> None:
    with pytest.raises(UserError, match="no linear or convolution layer"):
        features(nn.Flatten(), np.zeros((1, 2, 2, 1), np.uint8))


def test_the_plane_has_the_two_directions_of_largest_spread() -> None:
    random = np.random.default_rng(0)
    spread = np.array([10.0, 1.0, 3.0, 0.1])
    seen = (random.normal(size=(500, 4)) * spread + 5).astype(np.float32)
    plane = principal_components(seen, 2)
    np.testing.assert_allclose(np.abs(plane.components_), [[1, 0, 0, 0], [0, 0, 1, 0]], atol=0.05)
    placed = plane.transform(seen)
    np.testing.assert_allclose(placed.mean(0), 0, atol=1e-3)
    assert plane.components_[0, 0] > 0
    assert np.array_equal(principal_components(seen, 2).transform(seen), placed)


def test_a_single_picture_has_a_place_too() -> None:
    seen = np.arange(4, dtype=np.float32)[None]
    assert principal_components(seen, 2).transform(seen).tolist() == [[0, 0]]


def test_cka_is_one_for_a_turned_and_scaled_copy_and_none_for_strangers() -> None:
    random = np.random.default_rng(0)
    one = random.normal(size=(40, 6)).astype(np.float32)
    turned = (3 * one @ np.linalg.qr(random.normal(size=(6, 6)))[0] + 2).astype(np.float32)
    assert linear_cka(one, turned) == pytest.approx(1, abs=1e-5)
    first, second = np.zeros((4, 1), np.float32), np.zeros((4, 1), np.float32)
    first[:, 0], second[:, 0] = [1, 1, -1, -1], [1, -1, 1, -1]
    assert linear_cka(first, second) == pytest.approx(0, abs=1e-9)
    assert np.isnan(linear_cka(one, np.ones((40, 2), np.float32)))
