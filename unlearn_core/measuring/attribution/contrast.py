"""What maps explain: the score of a class, or a contrast, the difference of the scores of two classes.

A map of the old label's score alone hardly changes when a picture is forgotten, because another score rises
more than that one falls. The contrast of the two changes its sign.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from unlearn_core.artifacts.attribution_maps import NO_CLASS
from unlearn_core.catalog.classifiers import Classifier
from unlearn_core.common.devices import device_of
from unlearn_core.errors import UserError
from unlearn_core.forgetting.goals import runner_up
from unlearn_core.measuring.attribution.request import CONTRAST
from unlearn_core.measuring.finished_run import FinishedRun

_PAIR = re.compile(r"(\d+)-(\d+)")


@dataclass(frozen=True)
class Explained:
    """What the maps of n pictures explain, the same before and after.

    Attributes:
        targets: class indices, int64 (n,).
        against: the class whose score is subtracted, int64 (n,); `NO_CLASS` where none is.
    """

    targets: NDArray[np.int64]
    against: NDArray[np.int64]

    def within(self, classifier: Classifier) -> tuple[Classifier, Tensor]:
        """Return a classifier and, for each picture, the column of its outputs to explain, int64 (n,).

        It is the given one, or with contrasts one that has a further output for each pair of classes.
        """
        device = device_of(classifier.module)
        contrasts = self.against != NO_CLASS
        if not contrasts.any():
            return classifier, torch.from_numpy(self.targets).to(device)
        pairs, numbers = np.unique(
            np.stack([self.targets, self.against], 1)[contrasts], axis=0, return_inverse=True
        )
        columns = self.targets.copy()
        columns[contrasts] = len(classifier.class_names) + numbers.ravel()
        names = tuple(f"{classifier.class_names[a]} − {classifier.class_names[b]}" for a, b in pairs)
        wider = replace(
            classifier,
            module=WithContrasts(classifier.module, torch.from_numpy(pairs).to(device)).eval(),
            class_names=(*classifier.class_names, *names),
        )
        return wider, torch.from_numpy(columns).to(device)

    def scores(self, classifier: Classifier, pixels: Tensor) -> NDArray[np.float32]:
        """Return the logits of target and opponent, (n, 2), nan without an opponent; pixels (n, c, h, w)."""
        with torch.no_grad():
            logits = classifier.module(pixels).cpu().numpy()
        rows = np.arange(len(pixels))
        pair = np.stack([logits[rows, self.targets], logits[rows, self.against]], 1).astype(np.float32)
        pair[self.against == NO_CLASS, 1] = np.nan
        return pair


class WithContrasts(nn.Module):
    """A classifier's logits (n, classes), followed by the contrast of each of m pairs of classes.

    Its layers are those of the classifier, under the same names, so that hooks and names of layers apply.

    Args:
        module: maps pixels to logits.
        pairs: class indices, int64 (m, 2): the second one's logit is subtracted.
    """

    def __init__(self, module: nn.Module, pairs: Tensor) -> None:
        super().__init__()
        for name, child in module.named_children():
            self.add_module(name, child)
        # In a tuple it is no child, which would add a second name for each layer.
        self._whole = (module,)
        self._pairs = pairs

    def forward(self, pixels: Tensor) -> Tensor:
        """Return (n, classes + m)."""
        logits = self._whole[0].forward(pixels)
        first, second = self._pairs.unbind(1)
        return torch.cat([logits, logits[:, first] - logits[:, second]], 1)


def explained(run: FinishedRun, ids: Sequence[int], target: str) -> Explained:
    """Return what a request's target means for pictures of a run.

    With "contrast" the label stands against the prediction after the run. Where that is still the label,
    it stands against the runner-up of the classifier before.

    Args:
        run: a finished run.
        ids: of n pictures of its image set.
        target: "label", "new", a class index, "contrast", or two class indices such as "3-8".

    Raises:
        UserError: an unknown picture or class, or twice the same class.
    """
    pair = _PAIR.fullmatch(target)
    if pair is not None:
        if int(pair[1]) == int(pair[2]):
            raise UserError(f"A contrast needs two different classes, not {target}.")
        return Explained(run.targets(ids, pair[1]), run.targets(ids, pair[2]))
    if target != CONTRAST:
        targets = run.targets(ids, target)
        return Explained(targets, np.full_like(targets, NO_CLASS))
    labels, against = run.targets(ids, "label"), run.targets(ids, "new")
    kept = np.flatnonzero(labels == against)
    if len(kept):
        with torch.no_grad():
            logits = run.before.module(run.pixels([ids[place] for place in kept.tolist()])).cpu()
        against[kept] = runner_up(logits, torch.from_numpy(labels[kept])).numpy()
    return Explained(labels, against)
