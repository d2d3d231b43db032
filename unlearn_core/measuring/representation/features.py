"""Features before the last layer, activations of layers, principal components, and CKA."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from torch import Tensor, nn

from unlearn_core.common.batches import in_batches
from unlearn_core.common.budget import Budget
from unlearn_core.common.devices import batch_for, device_of
from unlearn_core.errors import UserError
from unlearn_core.measuring.predict import to_pixels

BATCH = Budget(256, 16)


def features(module: nn.Module, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the inputs of the last linear or convolution layer, averaged over positions, (n, d).

    Args:
        module: in eval mode; one without such a layer raises `UserError`.
        pictures: uint8 (n, h, w, c).
    """
    last = [layer for layer in module.modules() if isinstance(layer, (nn.Linear, nn.Conv2d))]
    if not last:
        raise UserError("This classifier has no linear or convolution layer, so it has no features to show.")
    return activations(module, pictures, [last[-1]], lambda layer, inputs, output: _mean(inputs[0]))[0]


def _mean(inputs: Tensor) -> Tensor:
    """Average over the positions of a grid (n, c, h, w) or of tokens (n, t, c)."""
    if inputs.ndim == 4:
        return inputs.mean((2, 3))
    return inputs.mean(1) if inputs.ndim == 3 else inputs


def activations(
    module: nn.Module,
    pictures: NDArray[np.uint8],
    layers: list[nn.Module],
    read: Callable[[nn.Module, tuple[Tensor, ...], Tensor], Tensor],
) -> list[NDArray[np.float32]]:
    """Return `read(layer, inputs, output)` of each layer, flattened to (n, d).

    A layer that is never called separately, such as the last one inside of torch's attention, gives (n, 0).
    """
    seen: dict[nn.Module, Tensor] = {}
    device = device_of(module)

    def keep(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        seen[layer] = read(layer, inputs, output)

    hooks = [layer.register_forward_hook(keep) for layer in layers]
    found: list[NDArray[np.float32]] = []

    def look(part: slice) -> None:
        pixels = to_pixels(pictures[part], device)
        module(pixels)
        nothing = torch.empty(len(pixels), 0)
        values = [seen.get(layer, nothing).flatten(1).float().cpu().numpy() for layer in layers]
        if not found:
            # Filled in place for the same reason as in `predict`.
            found.extend(np.empty((len(pictures), one.shape[1]), np.float32) for one in values)
        for whole, one in zip(found, values, strict=True):
            whole[part] = one

    try:
        with torch.no_grad():
            for _ in in_batches(look, len(pictures), batch_for(device, BATCH.of(pictures.shape[1]))):
                pass
    finally:
        for hook in hooks:
            hook.remove()
    return found


def principal_components(seen: NDArray[np.float32], count: int) -> PCA:
    """Return the first `count` principal components of features (n, d); beyond min(n, d) they are 0.

    Each points to where the sum of the features grows: maps of other pictures are seldom mirror images then.
    """
    # The variance of a single picture is not known.
    with np.errstate(invalid="ignore", divide="ignore"):
        found = PCA(min(count, *seen.shape), svd_solver="full").fit(seen)
    found.components_ *= np.where(found.components_.sum(1) < 0, -1, 1)[:, None]
    lacking = count - len(found.components_)
    if lacking:
        found.components_ = np.pad(found.components_, ((0, lacking), (0, 0)))
    return found


def linear_cka(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    """Return the similarity of two representations: linear CKA (Kornblith et al., arXiv 1905.00414).

    Args:
        first: activations (n, d) of one.
        second: activations (n, e) of the other.

    Returns:
        1 if they are equal up to rotation and scale, 0 if they have nothing in common; nan if one of them
        is constant.
    """
    grams = []
    for seen in (first, second):
        centred = seen.astype(np.float64) - seen.mean(0)
        grams.append(centred @ centred.T)
    own = np.linalg.norm(grams[0]) * np.linalg.norm(grams[1])
    return float((grams[0] * grams[1]).sum() / own) if own else float("nan")
