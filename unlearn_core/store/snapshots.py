"""Snapshots of the weights during a run, each stored as the quantised difference from the previous one.

Differences are rounded to multiples of one width per tensor, which takes less than two bits per weight after
compression. Each difference is taken from the weights that a reader reconstructs, so that rounding errors do
not add up.
"""

import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from unlearn_core.common.checksums import check_all
from unlearn_core.common.damaged import damaged_becomes
from unlearn_core.common.files import write_arrays

LARGEST = 127
WIDTH = 1.5
"""Of a rounding step, relative to the root mean square of the differences: wider is less exact."""
_NAMES, _SCALES, _CODES = "names", "scales", "codes"
_VARIANCE = "running_var"
"""How the name of a variance of BatchNorm ends."""
_OLD_SCALE, _OLD_CODE = "scale.", "code."
"""Of versions before 0.2: one array per tensor."""

Weights = dict[str, Tensor]


class SnapshotWriter:
    """Writes `STEP.npz` files into a folder, in the order of the steps.

    Args:
        folder: created if it is missing.
        start: the weights that a reader starts from, on the CPU.
        last: the step after which an interrupted run goes on; later snapshots are removed. -1: all are.
    """

    def __init__(self, folder: Path, start: Weights, last: int = -1) -> None:
        self._folder = folder
        folder.mkdir(exist_ok=True)
        for step in snapshot_steps(folder):
            if step > last:
                (folder / f"{step}.npz").unlink()
        known = dict(start)
        for _, weights in read_snapshots(folder, start):
            known = weights
        self._known = {name: tensor.clone() for name, tensor in known.items() if tensor.is_floating_point()}

    def write(self, step: int, module: nn.Module) -> None:
        """Write the module's weights at this step."""
        scales: dict[str, float] = {}
        codes: list[bytes] = []
        now = module.state_dict()
        for name, known in self._known.items():
            difference = now[name].cpu() - known
            width = WIDTH * difference.square().mean().sqrt()
            if width > 0:
                code = (difference / width).round().clamp(-LARGEST, LARGEST)
                # The least-squares factor: exact if all differences have the same size.
                scale = (code * difference).sum() / code.square().sum()
                known += code * scale
                scales[name] = scale.item()
                codes.append(code.to(torch.int8).numpy().tobytes())
        write_arrays(
            self._folder / f"{step}.npz",
            {
                _NAMES: np.array(list(scales), str),
                _SCALES: np.array(list(scales.values()), np.float32),
                _CODES: np.frombuffer(_compressed(b"".join(codes)), np.uint8),
            },
        )


def _compressed(codes: bytes) -> bytes:
    """Return deflated codes. They repeat nothing: without the search it is smaller and ten times as fast."""
    compressor = zlib.compressobj(strategy=zlib.Z_HUFFMAN_ONLY)
    return compressor.compress(codes) + compressor.flush()


def snapshot_steps(folder: Path) -> list[int]:
    """Return the steps that have a snapshot, in order; none if the folder is missing."""
    return sorted(int(file.stem) for file in folder.glob("*.npz") if file.stem.isdecimal())


def read_snapshots(folder: Path, start: Weights) -> Iterator[tuple[int, Weights]]:
    """Yield step and weights of every snapshot, in order, on the CPU; their tensors are shared.

    Args:
        folder: of the snapshots; a damaged one raises `UserError`.
        start: the weights that the run started from.
    """
    check_all(folder, f"The snapshots of run {folder.parent.name}")
    weights = {name: tensor.cpu().clone() for name, tensor in start.items()}
    for step in snapshot_steps(folder):
        with (
            damaged_becomes(f"The snapshot of step {step} is damaged: run it again."),
            np.load(folder / f"{step}.npz", allow_pickle=False) as arrays,
        ):
            for name, difference in _differences(arrays, weights):
                weights[name] = weights[name] + difference
        yield step, dict(weights)


def _differences(arrays: Mapping[str, np.ndarray], weights: Weights) -> Iterator[tuple[str, Tensor]]:
    """Yield the name of each tensor that moved, and its difference from the previous snapshot."""
    if _CODES not in arrays:
        for key in arrays:
            if key.startswith(_OLD_CODE):
                name = key.removeprefix(_OLD_CODE)
                yield name, torch.from_numpy(arrays[key]).float() * float(arrays[_OLD_SCALE + name])
        return
    codes = torch.from_numpy(np.frombuffer(zlib.decompress(arrays[_CODES].tobytes()), np.int8).copy())
    names = arrays[_NAMES].tolist()
    parts = codes.split([weights[name].numel() for name in names])
    for name, scale, part in zip(names, arrays[_SCALES].tolist(), parts, strict=True):
        yield name, part.float().view_as(weights[name]) * scale


def interpolated(before: Weights, after: Weights, strength: float) -> Weights:
    """Return before + strength · (after − before) of every tensor; counters are taken from `after`.

    Beyond 1 a variance of BatchNorm would fall below 0: it keeps a tenth of the smaller of both ends.
    """
    found = dict(after)
    for name, start in before.items():
        if start.is_floating_point():
            found[name] = torch.lerp(start, after[name], strength)
        if name.endswith(_VARIANCE):
            found[name] = found[name].maximum(start.minimum(after[name]) / 10)
    return found
