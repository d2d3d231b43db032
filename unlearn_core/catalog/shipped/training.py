"""Training recipes of the shipped weights, reproducible on the same machine with the same seed."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unlearn_core.catalog.shipped.architectures import cifar_resnet20, mnist_resnet
from unlearn_core.errors import UserError

Augment = Callable[[Tensor, torch.Generator], Tensor]


@dataclass(frozen=True)
class Cycle:
    """One cycle of the learning rate: epochs, peak, and augmentation."""

    epochs: int
    peak_rate: float
    augment: Augment


@dataclass(frozen=True)
class Recipe:
    """The training recipe of a classifier.

    SGD with Nesterov momentum 0.9, each cycle with a new optimiser and a one-cycle learning rate. The last
    `plain_epochs` of a cycle use no augmentation, so that the classifier knows the exact pictures that it may
    have to forget. The weights are the mean of those at the ends of the last `averaged` cycles.
    """

    build: Callable[[], nn.Module]
    cycles: tuple[Cycle, ...]
    plain_epochs: int
    batch: int
    weight_decay: float
    bfloat16: bool = False
    averaged: int = 1

    @property
    def epochs(self) -> int:
        """The number of epochs of all cycles."""
        return sum(cycle.epochs for cycle in self.cycles)


def shift_and_turn(pixels: Tensor, generator: torch.Generator) -> Tensor:
    """Return pixels (n, c, h, w) rotated by up to 12°, scaled by up to 12% and shifted by up to 2 in 28."""
    n = len(pixels)

    def uniform(*shape: int) -> Tensor:
        return torch.rand(n, *shape, generator=generator) * 2 - 1

    angle, scale, shift = uniform() * math.radians(12), 1 + uniform() * 0.12, uniform(2) * 4 / 28
    across = torch.stack([scale * angle.cos(), -scale * angle.sin(), shift[:, 0]], 1)
    down = torch.stack([scale * angle.sin(), scale * angle.cos(), shift[:, 1]], 1)
    grid = F.affine_grid(torch.stack([across, down], 1), list(pixels.shape), align_corners=False)
    return F.grid_sample(pixels, grid, align_corners=False)


def crop_and_flip(pixels: Tensor, generator: torch.Generator) -> Tensor:
    """Return pixels (n, c, h, w), randomly cropped after padding by 4 and flipped with probability 1/2."""
    n, _, height, width = pixels.shape
    padded = F.pad(pixels, (4, 4, 4, 4))
    rows = torch.randint(9, (n, 1), generator=generator) + torch.arange(height)
    columns = torch.randint(9, (n, 1), generator=generator) + torch.arange(width)
    flipped = torch.rand(n, 1, generator=generator) < 0.5
    columns = torch.where(flipped, columns.flip(1), columns)
    pictures = torch.arange(n)[:, None, None]
    return padded[pictures, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def crop_flip_and_cut(pixels: Tensor, generator: torch.Generator) -> Tensor:
    """Return `crop_and_flip` of pixels (n, c, h, w) with a random grey square of 10 × 10.

    Cutout: DeVries and Taylor 2017 (arXiv 1708.04552), section 3.2.
    """
    seen = crop_and_flip(pixels, generator)
    n, _, height, width = seen.shape

    def within(length: int) -> Tensor:
        centre = torch.randint(length, (n, 1), generator=generator)
        distance = torch.arange(length) - centre
        return (distance >= -5) & (distance < 5)

    square = within(height)[:, None, :, None] & within(width)[:, None, None, :]
    return seen.masked_fill(square, 0.5)


RECIPES = {
    "mnist-resnet": Recipe(mnist_resnet, (Cycle(30, 0.1, shift_and_turn),), 2, 64, 5e-4),
    "cifar10-resnet20": Recipe(
        cifar_resnet20,
        (Cycle(46, 0.2, crop_and_flip), Cycle(30, 0.1, crop_and_flip), Cycle(24, 0.1, crop_flip_and_cut)),
        plain_epochs=1,
        batch=128,
        weight_decay=5e-4,
        bfloat16=True,
        averaged=2,
    ),
}


def recipe_of(name: str) -> Recipe:
    """Return the recipe of a shipped classifier; a name without one raises `UserError`."""
    if name not in RECIPES:
        raise UserError(f"There is no recipe for {name}; available: {', '.join(RECIPES)}.")
    return RECIPES[name]


class Training:
    """Trains a classifier on the CPU epoch by epoch; `network` is in eval mode between epochs.

    Args:
        recipe: of the training.
        pixels: uint8 (n, c, h, w).
        labels: int64 (n,).
        seed: of the weights, the order and the augmentation.

    Raises:
        UserError: fewer pictures than a batch.
    """

    def __init__(self, recipe: Recipe, pixels: Tensor, labels: Tensor, seed: int) -> None:
        if len(pixels) < recipe.batch:
            raise UserError(
                f"Training needs at least {recipe.batch} pictures, but there are only {len(pixels)}."
            )
        self.recipe, self._pixels, self._labels = recipe, pixels, labels
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.network = recipe.build().to(memory_format=torch.channels_last).eval()
        self._generator = torch.Generator().manual_seed(seed)
        self._steps = len(pixels) // recipe.batch
        self._begin_cycle(0)
        self._ends: list[dict[str, Tensor]] = []
        self.epochs_done = 0

    def _begin_cycle(self, number: int) -> None:
        cycle = self.recipe.cycles[number]
        self._cycle, self._left = number, cycle.epochs
        self._optimiser = torch.optim.SGD(
            self.network.parameters(),
            cycle.peak_rate,
            momentum=0.9,
            weight_decay=self.recipe.weight_decay,
            nesterov=True,
        )
        self._schedule = torch.optim.lr_scheduler.OneCycleLR(
            self._optimiser, cycle.peak_rate, total_steps=cycle.epochs * self._steps
        )

    def epoch(self, check: Callable[[], None] = lambda: None) -> float:
        """Train for one epoch and return the last loss; `check` is called before every batch."""
        recipe = self.recipe
        if self._left == 0:
            self._begin_cycle(self._cycle + 1)
        self.network.train()
        order = torch.randperm(len(self._pixels), generator=self._generator)[: self._steps * recipe.batch]
        loss = torch.zeros(())
        for batch in order.split(recipe.batch):
            check()
            seen = self._pixels[batch].float() / 255
            if self._left > recipe.plain_epochs:
                seen = recipe.cycles[self._cycle].augment(seen, self._generator)
            with torch.autocast("cpu", torch.bfloat16, enabled=recipe.bfloat16):
                logits = self.network(seen.contiguous(memory_format=torch.channels_last))
            loss = F.cross_entropy(logits.float(), self._labels[batch])
            self._optimiser.zero_grad()
            loss.backward()
            self._optimiser.step()
            self._schedule.step()
        self.epochs_done += 1
        self._left -= 1
        self.network.eval()
        if self._left == 0 and recipe.averaged > 1:
            self._ends.append({name: value.clone() for name, value in self.network.state_dict().items()})
            if self.epochs_done == recipe.epochs:
                self.network.load_state_dict(mean_of(self._ends[-recipe.averaged :]))
        return loss.item()


def mean_of(states: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    """Return the mean of several states of a network; integer tensors are taken from the last one."""
    return {
        name: torch.stack([state[name] for state in states]).mean(0) if last.is_floating_point() else last
        for name, last in states[-1].items()
    }
