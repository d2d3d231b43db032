"""Depth: how much it takes until forgotten pictures are recognised again.

0% on the forget set may mean that its pictures lie just across a decision boundary. Three things bring such
pictures back: a slightly changed copy (changed_copies.py), weights a little nearer to those before, and
weights rounded to fewer bits, as in quantised models (Zhang et al., arXiv 2410.16454).
"""

import copy

import torch
from torch import Tensor, nn

from unlearn_core.artifacts.intervals import wilson_interval
from unlearn_core.artifacts.results import ChangedCopies, Depth
from unlearn_core.common.budget import Budget
from unlearn_core.common.load_tensors import load_tensors
from unlearn_core.forgetting.goals import split_logits
from unlearn_core.forgetting.methods.base import logits_of
from unlearn_core.forgetting.rounded import rounded_weights
from unlearn_core.measuring.changed_copies import BY_ONE_PIXEL, COPIES, changed_copies
from unlearn_core.store.snapshots import interpolated

PICTURES = Budget(64, 4)
"""Of the forget set, the first: so many have changed copies and are looked at on the way back."""

WAY = 20
"""Equal parts of the way from the weights before to those after at which the forget set is looked at."""


def measure_depth(before: nn.Module, after: nn.Module, pixels: Tensor, labels: Tensor) -> Depth:
    """Return the depth of forgetting.

    Args:
        before: the classifier before, in eval mode.
        after: the same network after, in eval mode, on the same device.
        pixels: the forget set, (k, c, h, w) in [0, 1].
        labels: the labels to forget, int64 (k,).
    """
    n = min(len(pixels), PICTURES.of(pixels.shape[-1]))
    some, their_labels = pixels[:n], labels[:n]
    own, others = split_logits(logits_of(after, pixels), labels)
    copies = torch.cat(list(changed_copies(some)))
    found_before, found_after = (_found(module, copies, their_labels) for module in (before, after))
    changed_before, changed_after = found_before.mean(0), found_after.mean(0)
    low, high = wilson_interval(float(changed_after.sum()), n)
    return Depth(
        changed_copies=ChangedCopies(
            before=_percent(changed_before),
            after=_percent(changed_after),
            n=n,
            interval=(round(low, 3), round(high, 3)),
            shifted=int((found_after[BY_ONE_PIXEL] * _recognised(before, some, their_labels)).sum()),
        ),
        return_point=_return_point(before, after, some, their_labels),
        rounded_8_bits=_percent(_recognised(rounded(after, 8), pixels, labels)),
        rounded_4_bits=_percent(_recognised(rounded(after, 4), pixels, labels)),
        margin=round(float((own - others).median()), 3),
    )


def rounded(module: nn.Module, bits: int) -> nn.Module:
    """Return a copy with its weights rounded to `bits` bits."""
    other = copy.deepcopy(module)
    load_tensors(other, rounded_weights(module, bits), strict=False)
    return other


def _return_point(before: nn.Module, after: nn.Module, pixels: Tensor, labels: Tensor) -> float | None:
    """Return the furthest share of the way, in percent, at which half of the pictures have their label."""
    module = copy.deepcopy(after)
    start, end = before.state_dict(), after.state_dict()
    for part in range(WAY, -1, -1):
        load_tensors(module, interpolated(start, end, part / WAY))
        if _recognised(module, pixels, labels).mean() >= 0.5:
            return 100 * part / WAY
    return None


def _found(module: nn.Module, copies: Tensor, labels: Tensor) -> Tensor:
    """Return 1 for each copy that is recognised and 0 for the others, (`COPIES`, n)."""
    return _recognised(module, copies, labels.repeat(COPIES)).view(COPIES, -1)


def _recognised(module: nn.Module, pixels: Tensor, labels: Tensor) -> Tensor:
    """Return 1 for each picture predicted as its label and 0 for the others, (n,)."""
    return (logits_of(module, pixels).argmax(1) == labels).float()


def _percent(shares: Tensor) -> float:
    return round(100 * float(shares.mean()), 3)
