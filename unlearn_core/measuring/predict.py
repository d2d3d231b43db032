"""Predictions of a classifier, in batches and without gradients."""

from collections.abc import Callable
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from unlearn_core.artifacts.predictions import Predictions
from unlearn_core.common.batches import in_batches
from unlearn_core.common.budget import Budget
from unlearn_core.common.devices import batch_for
from unlearn_core.errors import UserError

BATCH = Budget(512, 32)
_ON_CPU = 128
"""At most: its caches hold no more, and ResNet-20 takes half as long again with 512."""


def to_pixels(pictures: NDArray[np.uint8], device: torch.device) -> Tensor:
    """Return pictures (n, h, w, c) from 0 to 255 as pixels (n, c, h, w) in [0, 1]."""
    # Copied: torch warns about memory-mapped arrays, which are not writable.
    return torch.tensor(pictures).to(device).permute(0, 3, 1, 2).float() / 255


def to_pictures(pixels: Tensor) -> NDArray[np.uint8]:
    """Return pixels (n, c, h, w) in [0, 1] as pictures (n, h, w, c) from 0 to 255."""
    return (pixels * 255).round().byte().permute(0, 2, 3, 1).contiguous().cpu().numpy()


class Pictures(Protocol):
    """Pictures, uint8 (n, h, w, c), such as an array."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Their number, height, width and channels."""

    def __len__(self) -> int: ...

    def __getitem__(self, part: slice, /) -> NDArray[np.uint8]: ...


def predict(
    module: nn.Module,
    pictures: Pictures,
    labels: NDArray[np.int64],
    device: torch.device,
    looked_at: Callable[[int], None] = lambda count: None,
) -> Predictions:
    """Return the classifier's predictions on the pictures.

    Args:
        module: takes pixels in [0, 1]; already on `device`, in eval mode.
        pictures: uint8 (n, h, w, c).
        labels: int64 (n,); a negative label is replaced by the predicted class.
        device: of the module.
        looked_at: called before each batch with the number of pictures done; may raise to stop.

    Raises:
        UserError: outputs that are not finite, which would count as the first class.
    """

    n = len(pictures)
    # Filled in place: small tensors kept from each batch would prevent its large ones from being freed.
    found = Predictions(
        np.empty(n, np.int64), np.empty(n, np.float32), np.empty(n, np.float32), np.empty(n, np.float32)
    )

    def look(part: slice) -> None:
        looked_at(part.start)
        logits = module(to_pixels(pictures[part], device)).float().cpu()
        if not logits.isfinite().all():
            raise UserError("The classifier's outputs for some of the pictures are not numbers.")
        # By logits: nearly equal ones may have equal probabilities.
        classes, logs = logits.argmax(1), logits.log_softmax(1)
        given = torch.from_numpy(labels[part])
        own = logs.gather(1, torch.where(given < 0, classes, given)[:, None]).squeeze(1)
        found.classes[part] = classes
        found.top_confidences[part] = logs.gather(1, classes[:, None]).squeeze(1).exp()
        found.confidences[part] = own.exp()
        found.losses[part] = -own

    with torch.no_grad():
        size = batch_for(device, BATCH.of(pictures.shape[1]))
        for _ in in_batches(look, n, min(size, _ON_CPU) if device.type == "cpu" else size):
            pass
    return found
