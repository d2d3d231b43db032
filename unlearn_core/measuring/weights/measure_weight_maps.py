"""Measures weight maps: importance for the forget set, and change."""

import numpy as np
from torch import nn

from unlearn_core.artifacts.weight_maps import WeightMaps
from unlearn_core.forgetting.importance import Importance, min_max_scaled
from unlearn_core.measuring.weight_matrices import per_channel, weight_matrices


def measure_weight_maps(before: nn.Module, after: nn.Module, importance: Importance) -> WeightMaps:
    """Return the maps of every layer, filters out × channels in.

    The mean over the kernel of the min-max scaled importance, and the root of the mean squared change over
    the kernel.

    Args:
        before: the original classifier.
        after: the same classifier after forgetting.
        importance: of the original's parameters for the forget set, unscaled.
    """
    scaled, old, new = min_max_scaled(importance), weight_matrices(before), weight_matrices(after)
    return WeightMaps(
        layers=tuple(old),
        sizes=np.array([weight.numel() for weight in old.values()], np.int64),
        importance=tuple(per_channel(scaled[f"{name}.weight"]) for name in old),
        change=tuple(np.sqrt(per_channel((new[name] - old[name]).detach() ** 2)) for name in old),
    )
