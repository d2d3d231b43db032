"""The recipes: repeatable, a cycle begins where the last one ended, and a mean of weights may come out."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from unlearn_core.catalog.classifiers import WEIGHTS
from unlearn_core.catalog.training import RECIPES, Recipe, Training, crop_and_flip, shift_and_turn


def network() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(16, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2))


RECIPE = Recipe(network, lambda pixels, generator: pixels, (2,), 1, 8, 0.05, 0.0)


def training(recipe: Recipe) -> Training:
    generator = torch.Generator().manual_seed(5)
    pixels = torch.randint(256, (32, 1, 4, 4), generator=generator, dtype=torch.uint8)
    return Training(recipe, pixels, torch.arange(32) % 2, 3)


def weights(trained: Training) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in trained.network.named_parameters()}


def test_same_seed_same_weights() -> None:
    first, second = training(RECIPE), training(RECIPE)
    losses = [(first.epoch(), second.epoch()) for _ in range(RECIPE.epochs)]
    assert all(one == other for one, other in losses)
    assert all(torch.equal(weights(first)[name], weights(second)[name]) for name in weights(first))


def test_cycles_follow_each_other_and_come_to_rest() -> None:
    cycle, longer = training(RECIPE), training(replace(RECIPE, cycles=(2, 3, 1)))
    for _ in range(RECIPE.epochs):
        assert cycle.epoch() == longer.epoch()
    assert cycle.epochs_done == RECIPE.epochs
    assert all(torch.equal(weights(cycle)[name], weights(longer)[name]) for name in weights(cycle))
    moved = []
    for _ in range(3):
        before = weights(longer)
        longer.epoch()
        moved.append(sum(float((weights(longer)[name] - before[name]).norm()) for name in before))
    assert moved[0] > 0
    assert moved[2] < moved[1]


def test_of_the_epochs_behind_the_cycles_the_mean_comes_out() -> None:
    longer, other = (training(replace(RECIPE, averaged_epochs=epochs)) for epochs in (2, 3))
    ends = []
    for epoch in range(1, 5):
        longer.epoch()
        other.epoch()
        if epoch > 2:
            ends.append(weights(other))
    for name, mean in weights(longer).items():
        torch.testing.assert_close(mean, (ends[0][name] + ends[1][name]) / 2)
    # The statistics of BatchNorm are those of all the pictures under the mean weights.
    linear, norm = longer.network.get_submodule("1"), longer.network.get_submodule("2")
    with torch.inference_mode():
        seen = linear(longer._pixels.flatten(1).float() / 255)
    torch.testing.assert_close(norm.running_mean, seen.mean(0))
    assert not longer.network.training


@pytest.mark.parametrize("augment", [crop_and_flip, shift_and_turn])
def test_augmentation_keeps_shape_and_range(augment: Callable[[Tensor, torch.Generator], Tensor]) -> None:
    pixels = torch.rand(6, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    seen = augment(pixels, torch.Generator().manual_seed(1))
    assert seen.shape == pixels.shape
    assert seen.min() >= 0
    assert seen.max() <= 1
    assert not torch.equal(seen, pixels)


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_builds_what_its_shipped_weights_fit(name: str) -> None:
    RECIPES[name].build().load_state_dict(load_file(WEIGHTS / f"{name}.safetensors"))
