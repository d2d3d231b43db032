"""Randomly deformed copies of pictures: rotated, scaled, sheared, shifted and bent.

Strongly deformed copies of the forget set look like other pictures of its classes, which must be retained;
slightly deformed ones like the same picture once more, which should be forgotten with it. Bending follows
Simard et al. 2003 (doi:10.1109/ICDAR.2003.1227801), with displacements on a coarse grid.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from unlearn_core.common.lazy_torch import F, Tensor, torch

_GRID = 4
"""Points across of the grid of displacements; between them they are interpolated."""


@dataclass(frozen=True)
class Deformation:
    """The largest changes of a picture.

    Attributes:
        rotation: in degrees.
        scale: logarithm of the factor, in both directions independently.
        shear: as a slope.
        shift: of the side, in both directions independently.
        bend: standard deviation of the displacements, of half the side.
        noise: standard deviation, pixel values from 0 to 1.
    """

    rotation: float
    scale: float
    shear: float
    shift: float
    bend: float
    noise: float = 0.0


OTHERS = Deformation(rotation=25, scale=0.25, shear=0.3, shift=0.1, bend=0.06)
"""Like other pictures of the class."""

SAME = Deformation(rotation=10, scale=0.05, shear=0.3, shift=0.05, bend=0.018, noise=0.1)
"""Like the same picture once more."""


def deformed(pixels: Tensor, by: Deformation, generator: torch.Generator) -> Tensor:
    """Return each picture (n, c, h, w) in [0, 1] randomly deformed; edges are repeated.

    All random numbers are drawn on the CPU, so that a seed gives the same result on every device.
    """
    n = len(pixels)

    def uniform(*shape: int) -> Tensor:
        return torch.rand(n, *shape, generator=generator) * 2 - 1

    angle = uniform() * math.radians(by.rotation)
    across, down = (uniform() * by.scale).exp(), (uniform() * by.scale).exp()
    slope = uniform() * by.shear
    cos, sin = angle.cos(), angle.sin()
    rows = [
        torch.stack([across * cos + slope * sin, -down * sin], 1),
        torch.stack([across * sin, down * cos], 1),
    ]
    turn = torch.cat([torch.stack(rows, 1), uniform(2, 1) * 2 * by.shift], 2)
    grid = F.affine_grid(turn, list(pixels.shape), align_corners=False)
    bends = torch.randn(n, 2, _GRID, _GRID, generator=generator) * by.bend
    bends = F.interpolate(bends, size=pixels.shape[-2:], mode="bicubic", align_corners=True)
    grid = (grid + bends.permute(0, 2, 3, 1)).to(pixels.device)
    found = F.grid_sample(pixels, grid, padding_mode="border", align_corners=False)
    if by.noise:
        strength = by.noise * torch.rand(n, 1, 1, 1, generator=generator)
        found = found + (strength * torch.randn(found.shape, generator=generator)).to(found.device)
    return found.clamp(0, 1)
