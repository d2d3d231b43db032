"""Where in the weights: importance for the forget set beside the change that was really made."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import nn

from unlearn_core.forgetting.importance import Importance, min_max_scaled
from unlearn_core.measuring.weight_matrices import per_channel, weight_matrices


def write_weight_maps(path: Path, before: nn.Module, after: nn.Module, importance: Importance) -> None:
    """Write `weight_maps.npz`.

    For each layer, filters out × channels in: the mean over the kernel of the min-max scaled importance, and
    the root of the mean squared change over the kernel.

    Args:
        path: of the file.
        before: the original classifier.
        after: the same classifier after forgetting.
        importance: of the original's parameters for the forget set, unscaled.
    """
    scaled = min_max_scaled(importance)
    changed = weight_matrices(after)
    arrays: dict[str, NDArray[np.generic]] = {}
    names, sizes = [], []
    for index, (name, weight) in enumerate(weight_matrices(before).items()):
        names.append(name)
        sizes.append(weight.numel())
        change = (changed[name] - weight).detach() ** 2
        arrays[f"importance_{index}"] = per_channel(scaled[f"{name}.weight"])
        arrays[f"change_{index}"] = np.sqrt(per_channel(change))
    arrays |= {"layers": np.array(names), "sizes": np.array(sizes)}
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type]
