"""Pictures inverted from BatchNorm statistics."""

import pytest
import torch
from torch import nn

from tests.forgetting.tiny import CLASSES, tiny_classifier, tiny_pictures
from unlearn_core.forgetting.inversion import (
    _inputs_of_batch_norm,
    has_statistics,
    invert,
    statistics_distance,
)


def distance(module: nn.Module, pixels: torch.Tensor) -> float:
    with _inputs_of_batch_norm(module) as seen:
        module(pixels)
    return statistics_distance(seen).item()


def test_the_distance_is_zero_for_the_pictures_that_made_the_statistics() -> None:
    layer = nn.BatchNorm2d(2, momentum=1.0)
    pixels = torch.rand(64, 2, 5, 5, generator=torch.Generator().manual_seed(0))
    layer(pixels)
    assert layer.running_var is not None
    layer.running_var *= (64 * 25 - 1) / (64 * 25)  # it keeps the unbiased variance
    layer.eval()
    assert distance(layer, pixels) == pytest.approx(0, abs=1e-9)
    shifted = pixels + layer.running_var.add(layer.eps).sqrt().view(1, 2, 1, 1)
    assert distance(layer, shifted) == pytest.approx(1, rel=1e-4)


def test_inversion_comes_nearer_to_the_statistics_and_is_seen_as_asked() -> None:
    module = tiny_classifier()
    starts = torch.rand(32, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(32) % CLASSES
    found = invert(module, starts, labels, 40)
    assert distance(module, found) < distance(module, starts)
    assert (module(found).argmax(1) == labels).float().mean() > 0.9
    assert ((found >= 0) & (found <= 1)).all()
    assert all(parameter.grad is None for parameter in module.parameters())
    assert not any(layer._forward_pre_hooks for layer in module.modules())


def test_a_classifier_without_batch_norm_has_no_statistics() -> None:
    assert not has_statistics(nn.Sequential(nn.Flatten(), nn.Linear(4, 2)))
    assert has_statistics(tiny_classifier())
    assert tiny_pictures()[0].shape[1:] == (1, 4, 4)
