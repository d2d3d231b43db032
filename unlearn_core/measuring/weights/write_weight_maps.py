"""Where in the weights: importance for the forget set beside the change that was really made."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from unlearn_core.forgetting.importance import Importance, min_max_scaled


def weight_matrices(module: nn.Module) -> dict[str, Tensor]:
    """Return the weights of every convolution and linear layer by the layer's name, in order."""
    return {
        name: layer.weight
        for name, layer in module.named_modules()
        if isinstance(layer, (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear))
    }


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


def per_channel(weights: Tensor) -> NDArray[np.float32]:
    """Return the mean over each kernel, (filters, channels)."""
    return weights.flatten(2).mean(2).cpu().numpy() if weights.dim() > 2 else weights.cpu().numpy()
