"""A finished run: both classifiers, the pictures and the predictions."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from unlearn_core.artifacts.picture_files import check_picture_files
from unlearn_core.artifacts.predictions import Comparison, read_comparison
from unlearn_core.catalog.classifiers import Classifier, load_classifier
from unlearn_core.catalog.image_sets import ImageSet, load_images
from unlearn_core.common.devices import choose_device, device_of
from unlearn_core.common.load_tensors import load_tensors
from unlearn_core.errors import UserError
from unlearn_core.measuring.predict import to_pixels
from unlearn_core.store.chain import START
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.runs import open_store


@dataclass(frozen=True)
class FinishedRun:
    """A finished run; the classifiers are on one device, in eval mode and without parameter gradients.

    `before` is the classifier that the run started from: in a chain that of another run.
    """

    folder: Path
    request: ForgetRequest
    comparison: Comparison
    images: ImageSet
    before: Classifier
    after: Classifier

    @property
    def device(self) -> torch.device:
        """The device of both classifiers: the accelerator, where there is one."""
        return device_of(self.before.module)

    def rows(self, ids: Sequence[int]) -> list[int]:
        """Return the rows of pictures in the run's image set; an unknown id raises `UserError`."""
        rows = {int(one): row for row, one in enumerate(self.images.ids)}
        for one in ids:
            if one not in rows:
                raise UserError(f"There is no picture {one} in {self.request.images}.")
        return [rows[one] for one in ids]

    def pictures(self, ids: Sequence[int]) -> NDArray[np.uint8]:
        """Return pictures of the run's image set by id, uint8 (n, h, w, c)."""
        return self.images.pixels[self.rows(ids)]

    def pixels(self, ids: Sequence[int]) -> Tensor:
        """Return the same pictures as inputs of a classifier: float (n, c, h, w) in [0, 1]."""
        return to_pixels(self.pictures(ids), self.device).contiguous(memory_format=torch.channels_last)

    def targets(self, ids: Sequence[int], target: str) -> NDArray[np.int64]:
        """Return a class for each picture: "label", "new" (predicted after the run) or a class index."""
        if target in ("label", "new"):
            return np.array([self._target(one, target) for one in ids], np.int64)
        if not target.isdecimal() or int(target) >= len(self.before.class_names):
            raise UserError(f"{target} is not a class of {self.before.name}.")
        return np.full(len(ids), int(target), np.int64)

    def _target(self, one: int, target: str) -> int:
        """Return the class of a picture, from the measurements, or by looking where it was not measured."""
        (row,) = self.rows([one])
        known = np.flatnonzero((self.comparison.image_set == 0) & (self.comparison.ids == one))
        if len(known):
            values = self.comparison.labels if target == "label" else self.comparison.after
            return int(values[known[0]])
        if target == "label" and self.images.labelled[row]:
            return int(self.images.labels[row])
        classifier = self.before if target == "label" else self.after
        with torch.no_grad():
            return int(classifier.module(self.pixels([one])).argmax())


def load_finished_run(root: Path, run_id: str) -> FinishedRun:
    """Return a run of the store at `root`; one without weights or with damaged files raises `UserError`."""
    store = open_store(root)
    folder, request = store.folder(run_id), store.get(run_id).parsed_request()
    comparison = read_comparison(folder)
    before, after = _classifiers(request.classifier, str(folder), choose_device("auto"))
    images = load_images(request.images, before)
    check_picture_files(folder, images.name, images.ids, images.files)
    return FinishedRun(folder, request, comparison, images, before, after)


@lru_cache(maxsize=4)
def _classifiers(name: str, folder: str, device: torch.device) -> tuple[Classifier, Classifier]:
    weights = Path(folder) / "weights.safetensors"
    if not weights.exists():
        raise UserError("This run has no weights, so there is nothing to show.")
    before, after = load_classifier(name), load_classifier(name)
    after.load_weights(weights)
    start = Path(folder) / START
    if start.exists():
        before.load_weights(start)
    for one in (before, after):
        frozen(one.module.to(device))
    return before, after


def frozen(module: nn.Module) -> nn.Module:
    """Prepare a network for measurements: eval mode, no gradients of weights; return it."""
    return module.eval().requires_grad_(False).to(memory_format=torch.channels_last)


def with_weights(classifier: Classifier, weights: dict[str, Tensor]) -> Classifier:
    """Return a copy of a classifier with other weights."""
    other = copy.copy(classifier)
    other.module = copy.deepcopy(classifier.module)
    load_tensors(other.module, weights)
    return other
