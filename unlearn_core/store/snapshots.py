"""Snapshots of the weights during a run, each stored as the quantised difference from the previous one.

Differences are rounded to multiples of one width per tensor, which takes less than two bits per weight after
compression. Each difference is taken from the weights that a reader reconstructs, so that rounding errors do
not add up.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from unlearn_core.common.damaged import damaged_becomes

LARGEST = 127
WIDTH = 1.5
"""Of a rounding step, relative to the root mean square of the differences: wider is less exact."""
_SCALE = "scale."
_CODE = "code."

Weights = dict[str, Tensor]


class SnapshotWriter:
    """Writes `STEP.npz` files into a folder, in the order of the steps.

    Args:
        folder: created if it is missing.
        start: the weights that a reader starts from, on the CPU.
    """

    def __init__(self, folder: Path, start: Weights) -> None:
        self._folder = folder
        self._known = {name: tensor.clone() for name, tensor in start.items() if tensor.is_floating_point()}
        folder.mkdir(exist_ok=True)

    def write(self, step: int, module: nn.Module) -> None:
        """Write the module's weights at this step."""
        arrays: dict[str, np.ndarray] = {}
        now = module.state_dict()
        for name, known in self._known.items():
            difference = now[name].cpu() - known
            width = WIDTH * difference.square().mean().sqrt()
            if width > 0:
                code = (difference / width).round().clamp(-LARGEST, LARGEST)
                # The least-squares factor: exact if all differences have the same size.
                scale = (code * difference).sum() / code.square().sum()
                known += code * scale
                arrays[_CODE + name] = code.to(torch.int8).numpy()
                arrays[_SCALE + name] = scale.numpy()
        np.savez_compressed(self._folder / f"{step}.npz", **arrays)  # type: ignore[arg-type]


def read_snapshots(folder: Path, start: Weights) -> Iterator[tuple[int, Weights]]:
    """Yield step and weights of every snapshot, in order; each dictionary is new, its tensors are shared.

    Args:
        folder: of the snapshots; a damaged one raises `UserError`.
        start: the weights that the run started from.
    """
    weights = {name: tensor.clone() for name, tensor in start.items()}
    steps = sorted(int(file.stem) for file in folder.glob("*.npz"))
    for step in steps:
        with (
            damaged_becomes(f"The snapshot of step {step} is damaged: run it again."),
            np.load(folder / f"{step}.npz", allow_pickle=False) as arrays,
        ):
            for name in arrays.files:
                if name.startswith(_CODE):
                    own = name.removeprefix(_CODE)
                    code = torch.from_numpy(arrays[name]).float()
                    weights[own] = weights[own] + code * float(arrays[_SCALE + own])
        yield step, dict(weights)


def interpolated(before: Weights, after: Weights, strength: float) -> Weights:
    """Return before + strength · (after − before) of every tensor; counters are taken from `after`."""
    return {
        name: torch.lerp(tensor, after[name], strength) if tensor.is_floating_point() else after[name]
        for name, tensor in before.items()
    }
