"""Pictures that a method makes and draws from: in memory while they are few, in a file once they are many."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from tempfile import TemporaryFile

import numpy as np

from unlearn_core.common.lazy_torch import Tensor, torch

IN_MEMORY = 64 * 2**20
"""Bytes; the paper's largest setting, 256 × 200 pictures of 224 × 224, has 31 thousand million."""


class PictureStore:
    """Room for `count` pictures of one shape, float32.

    Up to `IN_MEMORY` bytes they lie on the device, where drawing costs nothing; above, in a temporary file
    without a name, which goes when the store goes, and only what is drawn is in memory.
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
        """Keep pictures (n, …) at positions `start` to `start + n`."""
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
