"""Further anchors made from adversarial examples: interpolations, mixes and shifts."""

from __future__ import annotations

from unlearn_core.common.lazy_torch import F, Tensor, torch
from unlearn_core.forgetting.picture_store import PictureStore

LARGEST_SHIFT = 0.15
"""Largest shift, relative to the picture's side."""


class Relatives:
    """Three more anchors per adversarial example: an interpolation, a mix and a shift.

    All random numbers are drawn at once, so that the pictures do not depend on the batches.
    """

    def __init__(self, count: int, generator: torch.Generator) -> None:
        self._on_the_way = torch.rand(count, 1, 1, 1, generator=generator)
        self._partners = torch.randperm(count, generator=generator)
        self._mixed = torch.rand(count, 1, 1, 1, generator=generator)
        self._shifts = shifts(count, generator)

    def of(self, positions: Tensor, examples: PictureStore, centres: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the three anchors of the examples at `positions` (m,), which were made from `centres`."""
        own, partners = examples.take(positions), examples.take(self._partners[positions])
        on_the_way = centres + self._on_the_way[positions].to(own.device) * (own - centres)
        mixed = partners + self._mixed[positions].to(own.device) * (own - partners)
        return on_the_way, mixed, shifted(own, self._shifts[positions])


def shifts(count: int, generator: torch.Generator) -> Tensor:
    """Return random shifts of up to `LARGEST_SHIFT` of the side in both directions, (n, 2, 1)."""
    return (torch.rand(count, 2, 1, generator=generator) * 2 - 1) * 2 * LARGEST_SHIFT


def shifted(pixels: Tensor, by: Tensor) -> Tensor:
    """Return pictures (n, c, h, w) shifted by (n, 2, 1), where 2 is a full side; edges are repeated."""
    turn = torch.eye(2).expand(len(pixels), 2, 2)
    grid = F.affine_grid(torch.cat([turn, by], 2).to(pixels.device), list(pixels.shape), align_corners=False)
    return F.grid_sample(pixels, grid, padding_mode="border", align_corners=False)
