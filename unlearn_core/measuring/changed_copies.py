"""Slightly changed copies of pictures: families, strengths and seed, fixed for all methods and versions.

No method may train on `brightness` or `jpeg`: they show how far forgetting reaches beyond what was trained.
"""

import io
from collections.abc import Callable, Iterator

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
        yield _each(pixels, lambda picture, quality=quality: _through_jpeg(picture, quality))


def _each(pixels: Tensor, change: Callable[[Image.Image], Image.Image]) -> Tensor:
    """Apply a change of PIL pictures to each picture."""
    shown = (pixels * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()
    grey = shown.shape[3] == 1
    found = [
        np.asarray(change(Image.fromarray(one[:, :, 0] if grey else one))).reshape(one.shape) for one in shown
    ]
    return torch.from_numpy(np.stack(found)).to(pixels.device).permute(0, 3, 1, 2).float() / 255


def _through_jpeg(picture: Image.Image, quality: int) -> Image.Image:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality)
    return Image.open(file)
