"""The recipes: repeatable, and averaging ends at the mean of the weights passed through."""

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


RECIPE = Recipe(network, lambda pixels, generator: pixels, 2, 1, 8, 0.05, 0.0)


def training(recipe: Recipe) -> Training:
    generator = torch.Generator().manual_seed(5)
    pixels = torch.randint(256, (32, 1, 4, 4), generator=generator, dtype=torch.uint8)
    return Training(recipe, pixels, torch.arange(32) % 2, 3)


def weights(trained: Training) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in trained.network.named_parameters()}


def test_same_seed_same_weights() -> None:
    first, second = training(RECIPE), training(RECIPE)
    losses = [(first.epoch(), second.epoch()) for _ in range(RECIPE.total_epochs)]
    assert all(one == other for one, other in losses)
    assert all(torch.equal(weights(first)[name], weights(second)[name]) for name in weights(first))


def test_averaging_ends_at_the_mean_of_its_epochs() -> None:
    longer = training(replace(RECIPE, averaged_epochs=3))
    ends = []
    for _ in range(2 + 2):
        longer.epoch()
        ends.append(weights(longer))
    # Where the third averaged epoch ends before settling is what a longer recipe passes through.
    on_the_way = training(replace(RECIPE, averaged_epochs=4))
    for _ in range(2 + 3):
        on_the_way.epoch()
    ends.append(weights(on_the_way))
    longer.epoch()
    for name, mean in weights(longer).items():
        torch.testing.assert_close(mean, torch.stack([end[name] for end in ends[2:]]).mean(0))


def test_without_averaging_the_one_cycle_ends_the_training() -> None:
    cycle, longer = training(RECIPE), training(replace(RECIPE, averaged_epochs=3))
    for _ in range(RECIPE.epochs):
        cycle.epoch()
        longer.epoch()
    assert cycle.epochs_done == RECIPE.total_epochs
    assert all(torch.equal(weights(cycle)[name], weights(longer)[name]) for name in weights(cycle))


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
