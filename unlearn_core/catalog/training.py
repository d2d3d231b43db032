"""The recipes behind the shipped weights: same seed, same machine, same weights."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unlearn_core.catalog.architectures import cifar_resnet20, mnist_resnet

Augment = Callable[[Tensor, torch.Generator], Tensor]


@dataclass(frozen=True)
class Recipe:
    """How one classifier is trained.

    SGD with Nesterov momentum 0.9 under a one-cycle learning rate. The last `plain_epochs` see the pictures
    without augmentation, so that the classifier ends knowing the very pictures it may be asked to forget.
    """

    build: Callable[[], nn.Module]
    augment: Augment
    epochs: int
    plain_epochs: int
    batch: int
    peak_rate: float
    weight_decay: float
    bfloat16: bool = False


def shift_and_turn(pixels: Tensor, generator: torch.Generator) -> Tensor:
    """Return pixels (n, c, h, w) turned by up to 12°, scaled by up to 12 % and shifted by up to 2 in 28."""
    n = len(pixels)

    def uniform(*shape: int) -> Tensor:
        return torch.rand(n, *shape, generator=generator) * 2 - 1

    angle, scale, shift = uniform() * math.radians(12), 1 + uniform() * 0.12, uniform(2) * 4 / 28
    across = torch.stack([scale * angle.cos(), -scale * angle.sin(), shift[:, 0]], 1)
    down = torch.stack([scale * angle.sin(), scale * angle.cos(), shift[:, 1]], 1)
    grid = F.affine_grid(torch.stack([across, down], 1), list(pixels.shape), align_corners=False)
    return F.grid_sample(pixels, grid, align_corners=False)


def crop_and_flip(pixels: Tensor, generator: torch.Generator) -> Tensor:
    """Return pixels (n, c, h, w), each cropped anew after padding by 4 and flipped with probability 1/2."""
    n, _, height, width = pixels.shape
    padded = F.pad(pixels, (4, 4, 4, 4))
    rows = torch.randint(9, (n, 1), generator=generator) + torch.arange(height)
    columns = torch.randint(9, (n, 1), generator=generator) + torch.arange(width)
    flipped = torch.rand(n, 1, generator=generator) < 0.5
    columns = torch.where(flipped, columns.flip(1), columns)
    pictures = torch.arange(n)[:, None, None]
    return padded[pictures, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


RECIPES = {
    "mnist-resnet": Recipe(mnist_resnet, shift_and_turn, 30, 2, 64, 0.1, 5e-4),
    "cifar10-resnet20": Recipe(cifar_resnet20, crop_and_flip, 36, 1, 128, 0.2, 5e-4, bfloat16=True),
}


def train(
    recipe: Recipe,
    pixels: Tensor,
    labels: Tensor,
    seed: int = 0,
    epoch_done: Callable[[int, float], None] = lambda epoch, loss: None,
) -> nn.Module:
    """Train a classifier on the CPU and return it in eval mode.

    Args:
        recipe: what to build and how.
        pixels: uint8 (n, c, h, w).
        labels: int64 (n,).
        seed: of the weights, the order and the augmentation.
        epoch_done: called with the number of epochs done and the last loss.
    """
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    network = recipe.build().to(memory_format=torch.channels_last)
    steps = len(pixels) // recipe.batch
    optimiser = torch.optim.SGD(
        network.parameters(), recipe.peak_rate, momentum=0.9, weight_decay=recipe.weight_decay, nesterov=True
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, recipe.peak_rate, total_steps=recipe.epochs * steps
    )
    for epoch in range(recipe.epochs):
        network.train()
        order = torch.randperm(len(pixels), generator=generator)[: steps * recipe.batch]
        for batch in order.split(recipe.batch):
            seen = pixels[batch].float() / 255
            if epoch < recipe.epochs - recipe.plain_epochs:
                seen = recipe.augment(seen, generator)
            with torch.autocast("cpu", torch.bfloat16, enabled=recipe.bfloat16):
                logits = network(seen.contiguous(memory_format=torch.channels_last))
            loss = F.cross_entropy(logits.float(), labels[batch])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
        epoch_done(epoch + 1, loss.item())
    return network.eval()
