"""What a classifier says of pictures, in batches and without gradients."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from unlearn_core.batches import in_batches
from unlearn_core.catalog.entries import SMALL


@dataclass(frozen=True)
class Predictions:
    """Of n pictures: the predicted class, its probability, and probability and cross-entropy of the label."""

    classes: NDArray[np.int64]
    top_confidences: NDArray[np.float32]
    confidences: NDArray[np.float32]
    losses: NDArray[np.float32]


def to_pixels(pictures: NDArray[np.uint8], device: torch.device) -> Tensor:
    """Return pictures (n, h, w, c) from 0 to 255 as pixels (n, c, h, w) in [0, 1]."""
    return torch.from_numpy(pictures).to(device).permute(0, 3, 1, 2).float() / 255


def predict(
    module: nn.Module,
    pictures: NDArray[np.uint8],
    labels: NDArray[np.int64],
    device: torch.device,
    looked_at: Callable[[int], None] = lambda count: None,
) -> Predictions:
    """Return what the classifier says of the pictures.

    Args:
        module: takes pixels in [0, 1]; already on `device`, in eval mode.
        pictures: uint8 (n, h, w, c).
        labels: int64 (n,); where a label is negative, the predicted class takes its place.
        device: of the module.
        looked_at: called with the number of pictures done before each batch; may raise to stop.
    """

    def look(part: slice) -> tuple[Tensor, ...]:
        looked_at(part.start)
        logits = module(to_pixels(pictures[part], device)).float().cpu()
        # Of the logits: nearly equal ones become one and the same probability.
        classes, logs = logits.argmax(1), logits.log_softmax(1)
        top = logs.gather(1, classes[:, None]).squeeze(1)
        given = torch.from_numpy(labels[part])
        own = logs.gather(1, torch.where(given < 0, classes, given)[:, None]).squeeze(1)
        return classes, top.exp(), own.exp(), -own

    with torch.inference_mode():
        parts = list(in_batches(look, len(pictures), 512 if pictures.shape[1] <= SMALL else 32))
    if not parts:
        nothing = np.empty(0, np.float32)
        return Predictions(np.empty(0, np.int64), nothing, nothing, nothing)
    classes, top, own, loss = (torch.cat(column).numpy() for column in zip(*parts, strict=True))
    return Predictions(classes, top, own, loss)
