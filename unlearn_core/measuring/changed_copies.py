"""Slightly changed copies of pictures: families, strengths and seed, fixed for all methods and versions.

No method may train on `brightness` or `jpeg`: they show how far forgetting reaches beyond what was trained.
"""

import io
from collections.abc import Iterator

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from unlearn_core.forgetting.relatives import moved

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


def changed_copies(pixels: Tensor) -> Iterator[Tensor]:
    """Yield `COPIES` times all pictures (n, c, h, w) in [0, 1], each time changed in another way."""
    generator = torch.Generator().manual_seed(SEED)
    for deviation in NOISE:
        noise = torch.randn(pixels.shape, generator=generator).to(pixels.device)
        yield (pixels + deviation * noise).clamp(0, 1)
    for across, down in SHIFT:
        yield moved(pixels, shift=(across * _ONE_PIXEL, down * _ONE_PIXEL))
    for degrees in ROTATION:
        yield moved(pixels, degrees=degrees)
    for factor in BRIGHTNESS:
        yield (pixels * factor).clamp(0, 1)
    for quality in JPEG:
        yield _through_jpeg(pixels, quality)


def _through_jpeg(pixels: Tensor, quality: int) -> Tensor:
    shown = (pixels * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()
    found = np.empty_like(shown)
    for picture, copy in zip(shown, found, strict=True):
        file = io.BytesIO()
        Image.fromarray(picture.squeeze()).save(file, "JPEG", quality=quality)
        copy[:] = np.asarray(Image.open(file)).reshape(copy.shape)
    return torch.from_numpy(found).to(pixels.device).permute(0, 3, 1, 2).float() / 255
