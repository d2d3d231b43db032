"""The recipes: repeatable, and a cycle begins where the last one ended."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from unlearn_core.catalog.classifiers import WEIGHTS
from unlearn_core.catalog.shipped.training import (
    RECIPES,
    Cycle,
    Recipe,
    Training,
    crop_and_flip,
    crop_flip_and_cut,
    shift_and_turn,
)
from unlearn_core.errors import UserError


def network() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(16, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2))


def unchanged(pixels: Tensor, generator: torch.Generator) -> Tensor:
    return pixels


RECIPE = Recipe(network, (Cycle(2, 0.05, unchanged),), 1, 8, 0.0)
LONGER = replace(RECIPE, cycles=(*RECIPE.cycles, Cycle(3, 0.025, unchanged), Cycle(1, 0.025, unchanged)))


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


def test_fewer_pictures_than_a_batch_are_one_sentence() -> None:
    with pytest.raises(UserError, match="at least 33 pictures, but there are only 32"):
        training(replace(RECIPE, batch=33))


def test_cycles_follow_each_other_and_come_to_rest() -> None:
    cycle, longer = training(RECIPE), training(LONGER)
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


def test_the_ends_of_the_last_cycles_are_averaged() -> None:
    plain, averaged = training(LONGER), training(replace(LONGER, averaged=2))
    ends = []
    for epoch in range(1, LONGER.epochs + 1):
        plain.epoch()
        averaged.epoch()
        if epoch in (5, 6):
            ends.append(weights(plain))
    for name, value in weights(averaged).items():
        torch.testing.assert_close(value, (ends[0][name] + ends[1][name]) / 2)


@pytest.mark.parametrize("augment", [crop_and_flip, crop_flip_and_cut, shift_and_turn])
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
