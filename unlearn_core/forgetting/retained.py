"""Retained pictures that a method may train on."""

from __future__ import annotations

from dataclasses import dataclass

from unlearn_core.common.batches import draw
from unlearn_core.common.lazy_torch import Tensor, torch


@dataclass(frozen=True)
class Retained:
    """n retained pictures, on the CPU until a batch is drawn.

    Attributes:
        pixels: uint8 (n, c, h, w).
        labels: int64 (n,).
    """

    pixels: Tensor
    labels: Tensor

    def draw(self, size: int, generator: torch.Generator, device: torch.device) -> tuple[Tensor, Tensor]:
        """Return `size` different pictures, float in [0, 1], and their labels; all of them if they fit."""
        chosen = draw(len(self.pixels), size, generator)
        pixels = self.pixels[chosen].to(device).float() / 255
        return pixels.contiguous(memory_format=torch.channels_last), self.labels[chosen].to(device)
