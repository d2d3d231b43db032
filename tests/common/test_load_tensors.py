"""Tensors from a file or a computation fit a network that looks at the versions torch keeps beside them."""

import copy

import pytest
import torch
from torchvision import models

from unlearn_core.common.load_tensors import load_tensors
from unlearn_core.forgetting.rounded import rounded_weights
from unlearn_core.measuring.depth import rounded


def test_a_network_that_asks_for_the_version_of_its_tensors() -> None:
    network = models.mnasnet0_5(weights=None, num_classes=3).eval()
    other = models.mnasnet0_5(weights=None, num_classes=3).eval()
    tensors = dict(network.state_dict())
    with pytest.raises(ValueError, match="version"):
        copy.deepcopy(other).load_state_dict(tensors)
    load_tensors(other, tensors)
    pixels = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    assert torch.equal(other(pixels), network(pixels))


def test_rounding_such_a_network() -> None:
    network = models.mnasnet0_5(weights=None, num_classes=3).eval()
    weights = rounded(network, 4).state_dict()
    for name, tensor in rounded_weights(network, 4).items():
        assert torch.equal(weights[name], tensor), name


def test_tensors_that_do_not_fit() -> None:
    with pytest.raises(RuntimeError, match="size mismatch"):
        load_tensors(torch.nn.Linear(2, 2), {"weight": torch.zeros(3, 2), "bias": torch.zeros(2)})
