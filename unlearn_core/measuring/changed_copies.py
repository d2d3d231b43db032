"""Slightly changed copies of pictures: families, strengths and seed, fixed for all methods and versions.

No method may train on `brightness` or `jpeg`: they show how far forgetting reaches beyond what was trained.
"""

import io
from collections.abc import Iterator

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from unlearn_core.measuring.predict import to_pictures

SEED = 0
_ONE_PIXEL = 1 / 28
"""Of the side: shifts are in pixels of a picture of 28 × 28."""

NOISE = (0.025, 0.05, 0.1, 0.15)
"""Standard deviations, in pixel values from 0 to 1."""
SHIFT = ((1, 0), (0, -1), (-1, 1), (2, 0))
"""Across and down, in pixels of a picture of 28 × 28."""
ROTATION = (5, -5, 10, -10)
"""Degrees."""
BRIGHTNESS = (0.6, 0.8, 1.2, 1.4)
"""Factors."""
JPEG = (75, 50, 30, 15)
"""Quality."""

COPIES = 20
"""Of each picture."""
BY_ONE_PIXEL = len(NOISE)
"""Which of the copies is shifted by one pixel to the right."""


def changed_copies(pixels: Tensor) -> Iterator[Tensor]:
    """Yield `COPIES` times all pictures (n, c, h, w) in [0, 1], each time changed in another way."""
    generator = torch.Generator().manual_seed(SEED)
    for deviation in NOISE:
        noise = torch.randn(pixels.shape, generator=generator).to(pixels.device)
        yield (pixels + deviation * noise).clamp(0, 1)
    for across, down in SHIFT:
        yield _moved(pixels, shift=(across * _ONE_PIXEL, down * _ONE_PIXEL))
    for degrees in ROTATION:
        yield _moved(pixels, degrees=degrees)
    for factor in BRIGHTNESS:
        yield (pixels * factor).clamp(0, 1)
    for quality in JPEG:
        yield _through_jpeg(pixels, quality)


def _through_jpeg(pixels: Tensor, quality: int) -> Tensor:
    shown = to_pictures(pixels)
    found = np.empty_like(shown)
    for picture, copy in zip(shown, found, strict=True):
        file = io.BytesIO()
        Image.fromarray(picture.squeeze()).save(file, "JPEG", quality=quality)
        copy[:] = np.asarray(Image.open(file)).reshape(copy.shape)
    return torch.from_numpy(found).to(pixels.device).permute(0, 3, 1, 2).float() / 255


def _moved(pixels: Tensor, shift: tuple[float, float] = (0, 0), degrees: float = 0) -> Tensor:
    """Return all pictures (n, c, h, w) shifted across and down, in sides, and rotated; edges are repeated."""
    angle = torch.tensor(degrees).deg2rad()
    turn = torch.stack([torch.stack([angle.cos(), -angle.sin()]), torch.stack([angle.sin(), angle.cos()])])
    by = -2 * torch.tensor(shift)[:, None]
    grid = torch.cat([turn, by], 1).expand(len(pixels), 2, 3).to(pixels.device)
    sampled = F.affine_grid(grid, list(pixels.shape), align_corners=False)
    return F.grid_sample(pixels, sampled, padding_mode="border", align_corners=False)
