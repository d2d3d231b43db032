"""Deletion and insertion curves of attribution maps (RISE, Petsiuk et al., arXiv 1806.07421).

A map is right if the class is lost soon when the pixels that it ranks first are emptied, and found soon when
only they are shown.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unlearn_core.artifacts.attribution_maps import NO_CLASS
from unlearn_core.artifacts.attribution_quality import TENTHS
from unlearn_core.catalog.classifiers import Classifier
from unlearn_core.measuring.attribution.contrast import Explained


def deletion_and_insertion(
    classifier: Classifier, pixels: Tensor, asked: Explained, maps: NDArray[np.float32], baseline: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how likely the target is with 0 to 10 tenths of the pixels emptied, and with only these shown.

    Args:
        classifier: explained by the maps.
        pixels: (n, c, h, w) in [0, 1].
        asked: target and opponent; with an opponent the probability is that of the target out of the two.
        maps: (n, h, w), which rank the pixels, the highest value first.
        baseline: value of an emptied pixel.

    Returns:
        Probabilities, (n, `TENTHS` + 1) each.
    """
    order = torch.from_numpy(maps).to(pixels.device).flatten(1).argsort(dim=1, descending=True, stable=True)
    ranks = order.argsort(1).reshape(len(pixels), 1, *pixels.shape[-2:])
    deleted, inserted = [], []
    for tenth in range(TENTHS + 1):
        first = ranks < round(tenth * order.shape[1] / TENTHS)
        deleted.append(_probability(classifier, torch.where(first, baseline, pixels), asked))
        inserted.append(_probability(classifier, torch.where(first, pixels, baseline), asked))
    return np.stack(deleted, 1), np.stack(inserted, 1)


@torch.no_grad()
def _probability(classifier: Classifier, pixels: Tensor, asked: Explained) -> NDArray[np.float64]:
    logits = classifier.module(pixels).cpu().double()
    rows, targets = torch.arange(len(pixels)), torch.from_numpy(asked.targets)
    alone = logits.softmax(1)[rows, targets]
    contest = (logits[rows, targets] - logits[rows, torch.from_numpy(asked.against)]).sigmoid()
    return torch.where(torch.from_numpy(asked.against) == NO_CLASS, alone, contest).numpy()
