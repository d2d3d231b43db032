"""The weight matrices of a classifier, layer by layer."""

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn


def weight_matrices(module: nn.Module) -> dict[str, Tensor]:
    """Return the weights of every convolution and linear layer by the layer's name, in order."""
    return {
        name: layer.weight
        for name, layer in module.named_modules()
        if isinstance(layer, (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear))
    }


def per_channel(weights: Tensor) -> NDArray[np.float32]:
    """Return the mean over each kernel, (filters, channels)."""
    return weights.flatten(2).mean(2).cpu().numpy() if weights.dim() > 2 else weights.cpu().numpy()
