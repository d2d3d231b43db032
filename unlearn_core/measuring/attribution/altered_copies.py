"""Perturbed copies of pictures: how many per batch, and which to skip."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from unlearn_core.common.budget import Budget
from unlearn_core.common.devices import batch_for
from unlearn_core.common.lazy_torch import Tensor, torch

if TYPE_CHECKING:
    from unlearn_core.catalog.classifiers import Classifier

_LARGEST_BATCH = Budget(256, 16)
NOISY_COPIES = 16


def largest_batch(pixels: Tensor) -> int:
    """Return the number of pictures, (n, c, h, w), of a batch with gradients."""
    return batch_for(pixels.device, _LARGEST_BATCH.of(pixels.shape[-1]))


def copies_at_once(pixels: Tensor) -> int:
    """Return the number of perturbed copies of every picture per batch."""
    return max(1, largest_batch(pixels) // len(pixels))


def with_equal_noise(explain: Callable[[Tensor, Tensor], Tensor], pixels: Tensor, targets: Tensor) -> Tensor:
    """Return `explain(picture, target)` of each picture, with the same noise: no map depends on the batch."""
    seed, maps = torch.initial_seed(), []
    for picture, target in zip(pixels.split(1), targets.split(1), strict=True):
        torch.manual_seed(seed)
        np.random.seed(seed % 2**32)
        maps.append(explain(picture, target))
    return torch.cat(maps)


def skipping_equal(classifier: Classifier, pixels: Tensor) -> Callable[[Tensor], Tensor]:
    """Return a function for the logits of perturbed copies, which Captum stacks as (copies × n, c, h, w).

    A copy that equals its picture gets the picture's logits without a forward pass.
    """
    with torch.no_grad():
        known = classifier.module(pixels)

    @torch.no_grad()
    def logits(copies: Tensor) -> Tensor:
        copies = copies.unflatten(0, (-1, len(pixels)))
        altered = (copies != pixels).flatten(2).any(2)
        found = known.repeat(len(copies), 1, 1)
        if altered.any():
            found[altered] = classifier.module(copies[altered])
        return found.flatten(0, 1)

    return logits
