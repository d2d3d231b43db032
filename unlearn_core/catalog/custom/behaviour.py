"""Whether a network is a function from a picture to logits, found out with photos."""

import copy
import math

import torch
from torch import Tensor, nn

from unlearn_core.catalog.custom.outputs import in_words
from unlearn_core.catalog.records.classifier_record import Output
from unlearn_core.catalog.sources.base import PictureFile
from unlearn_core.catalog.sources.photos import Photos
from unlearn_core.catalog.untrusted.pictures import fit, read_picture
from unlearn_core.errors import UserError, first_line

PICTURES = 4
_ROUNDING = 1e-3
"""Largest difference of outputs that counts as rounding, relative to the largest output."""
_OF_SHAPE = (
    *("View", "UnsafeView", "Squeeze", "Unsqueeze", "Select", "Slice", "Reshape", "Alias", "Expand", "Clamp"),
    *("Mean", "Permute", "Transpose", "T"),
)
"""How calculations are called that leave probabilities what they are."""
_SUM = 1e-3
"""Largest difference from 1 of the sum of a picture's probabilities."""


def real_pictures(channels: int, size: int, count: int = PICTURES) -> Tensor:
    """Return the first shipped photos, float (n, channels, size, size) in [0, 1]."""
    found = []
    for file in Photos().read().pictures[:count]:
        assert isinstance(file, PictureFile)
        picture = fit(read_picture(file.read(), file.name), size, 1 if channels == 1 else 3)
        found.append(torch.tensor(picture[..., :channels]).permute(2, 0, 1))
    return torch.stack(found).float() / 255


def find_output(module: nn.Module, pixels: Tensor) -> tuple[Output, int]:
    """Return what a network returns, and its number of classes.

    Args:
        module: takes pixels (n, channels, size, size) in [0, 1].
        pixels: of a few photos.

    Raises:
        UserError: it fails on such pictures, is random, or its output depends on the rest of the batch.
    """
    module.eval()
    # Not in inference mode: what a network keeps of its first call would then have no gradients.
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        found = _outputs(module, pixels)
        if not is_same(found, _outputs(module, pixels)):
            raise UserError(
                "The network says something else when the same pictures are shown twice: something in it is "
                "random in eval mode, such as F.dropout without training=self.training."
            )
        alone = torch.cat([_outputs(module, pixels[place : place + 1]) for place in (0, len(pixels) - 1)])
        if not is_same(found[[0, -1]], alone):
            raise UserError(
                "What the network says of a picture depends on the other pictures of the batch, as with "
                "BatchNorm without running statistics (track_running_stats=False)."
            )
    if (found == found[:1]).all():
        raise UserError(
            "The network says exactly the same of every picture: there is nothing to forget in it."
        )
    if found.shape[1] == 1:
        return "one probability" if _ends_in(module, pixels[:1], "Sigmoid", "Softmax") else "one logit", 2
    kind = _kind_of_rows(found)
    if kind == "logits" and _ends_in(module, pixels[:1], "Sigmoid"):
        kind = "sigmoids"
    return kind, found.shape[1]


def takes_channels_last(module: nn.Module, pixels: Tensor) -> bool:
    """Return whether a module works, and can be trained, in the order of memory that is faster for runs.

    Args:
        module: returns logits; it is not changed.
        pixels: of a few photos.
    """
    order = torch.channels_last
    try:
        with torch.random.fork_rng(devices=[]), torch.enable_grad():
            found = copy.deepcopy(module).to(memory_format=order)(pixels.contiguous(memory_format=order))
            found.sum().backward()
            return is_same(found.detach(), module(pixels).detach())
    # A user's network may raise anything.
    except Exception:
        return False


def is_same(first: Tensor, second: Tensor) -> bool:
    """Return whether outputs differ by rounding only.

    A column that is the same in all rows does not count as their size: a class may be masked by -1e9.
    """
    varying = first[:, (first != first[:1]).any(0)] if first.ndim == 2 else first
    sizes = varying if varying.numel() else first
    size = float(sizes.abs().max()) if sizes.numel() else 0.0
    return first.shape == second.shape and torch.allclose(
        first, second, rtol=_ROUNDING, atol=_ROUNDING * size
    )


def _kind_of_rows(rows: Tensor) -> Output:
    ones = torch.ones(len(rows))
    if (rows >= 0).all() and torch.allclose(rows.sum(1), ones, atol=_SUM):
        return "probabilities"
    if (rows <= 0).all() and torch.allclose(rows.exp().sum(1), ones, atol=_SUM):
        return "log-probabilities"
    return "logits"


def _ends_in(module: nn.Module, pixels: Tensor, *calculations: str) -> bool:
    """Return whether the last calculation of a network is one of these, apart from parts and limits."""
    with torch.enable_grad():
        node = module(pixels.clone().requires_grad_(True)).grad_fn
    while node is not None and node.name().startswith(_OF_SHAPE):
        node = node.next_functions[0][0]
    return node is not None and node.name().startswith(calculations)


def _outputs(module: nn.Module, pixels: Tensor) -> Tensor:
    """Return the rows (n, columns) of a network, whatever dimensions of size 1 it has or leaves out."""
    n, channels, size, _ = pixels.shape
    try:
        rows = module(pixels)
    except UserError:
        raise
    # A user's network may raise anything.
    except Exception as error:
        raise UserError(
            f"The network fails on pictures of {size} × {size} with {channels} channels: {first_line(error)}."
        ) from error
    sizes = [one for one in rows.shape if one != 1]
    if n > 1 and sizes[:1] == [n]:
        sizes.pop(0)
    if len(sizes) > 1 or rows.numel() != n * math.prod(sizes) or 0 in sizes:
        raise UserError(
            f"The network must return one row of logits per picture; it returns {in_words(rows)}."
        )
    if not rows.isfinite().all():
        raise UserError("The network returns NaN or infinite values.")
    return rows.reshape(n, -1).float()
