"""Storage for pictures that a method draws from: in memory if they are few, else in a file."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from tempfile import TemporaryFile

import numpy as np

from unlearn_core.common.lazy_torch import Tensor, torch

IN_MEMORY = 64 * 2**20
"""Bytes; the paper's largest setting, 256 × 200 pictures of 224 × 224, takes 31 GB."""


class PictureStore:
    """Storage for `count` pictures of one shape, float32.

    Up to `IN_MEMORY` bytes they are on the device; above that in an unnamed temporary file, which is removed
    with this object, and only drawn pictures are in memory.
    """

    def __init__(self, count: int, shape: tuple[int, ...], device: torch.device) -> None:
        self._count, self._shape, self._device = count, shape, device
        self._row = 4 * prod(shape)
        self._tensor: Tensor | None = None
        if count * self._row <= IN_MEMORY:
            self._tensor = torch.empty(count, *shape, device=device)
        else:
            self._file = TemporaryFile(buffering=0)  # noqa: SIM115

    def __len__(self) -> int:
        return self._count

    def put(self, start: int, pixels: Tensor) -> None:
        """Store pictures (n, …) at positions `start` to `start + n`."""
        if self._tensor is not None:
            self._tensor[start : start + len(pixels)] = pixels
        else:
            self._file.seek(start * self._row)
            self._file.write(pixels.cpu().contiguous().numpy().data)

    def take(self, positions: Tensor) -> Tensor:
        """Return the pictures at positions int64 (n,), on the device."""
        if self._tensor is not None:
            return self._tensor[positions.to(self._device)]
        rows = np.empty((len(positions), *self._shape), np.float32)
        for row, position in zip(rows, positions.tolist(), strict=True):
            self._file.seek(position * self._row)
            self._file.readinto(row.data)
        return torch.from_numpy(rows).to(self._device)

    def batches(self, size: int) -> Iterator[Tensor]:
        """Yield all pictures in order, `size` at a time."""
        for positions in torch.arange(self._count).split(size):
            yield self.take(positions)
