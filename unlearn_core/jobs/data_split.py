"""The pictures of one job: its image set, and a second one that is only measured on."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from unlearn_core.artifacts.never_seen import NeverSeen
from unlearn_core.artifacts.predictions import EARLIER, FORGET, RETAIN, TEST, Comparison, Predictions, joined
from unlearn_core.artifacts.results import EarlierSet
from unlearn_core.artifacts.steps import RETAIN_SAMPLE
from unlearn_core.catalog.image_sets import ImageSet
from unlearn_core.catalog.picks import Pick
from unlearn_core.common.budget import sample
from unlearn_core.errors import UserError
from unlearn_core.measuring.predict import predict


class JobPictures:
    """n pictures of one or two image sets, end to end, and the group that each belongs to.

    Args:
        images: where the pictures to forget are picked from; its test pictures are only measured on.
        measure_on: a second set whose pictures count as retained ones.
        earlier: forget sets of earlier runs; a missing picture raises `UserError`.
        device: where predictions are made.

    Attributes:
        own: the image set that pictures are picked from.
        device: where predictions are made.
        group: int8 (n,), as in `artifacts.predictions`.
        labels: int64 (n,); after `know`, the original's prediction where there is no label.
        picked: ids of the forget set, after `choose`; `positions` are theirs.
    """

    def __init__(
        self,
        images: ImageSet,
        measure_on: ImageSet | None,
        earlier: Sequence[EarlierSet],
        device: torch.device,
    ) -> None:
        self.own = images
        self._sets = [images] if measure_on is None else [images, measure_on]
        self._earlier, self.device = earlier, device
        sizes = [len(one.ids) for one in self._sets]
        self._ids = np.concatenate([one.ids for one in self._sets])
        self._labelled = np.concatenate([one.labelled for one in self._sets])
        self._image_set = np.repeat(np.arange(len(sizes), dtype=np.int8), sizes)
        self.labels = np.concatenate([one.labels for one in self._sets])
        is_test = np.concatenate([one.is_test for one in self._sets])
        self.group = np.where(is_test, TEST, RETAIN).astype(np.int8)
        self.group[self._image_set == 1] = RETAIN
        self._mark_earlier()
        self._before: NDArray[np.int64] | None = None
        self.picked: list[int] = []
        self.positions = np.empty(0, np.intp)
        self._measured = np.arange(len(self._ids))

    def _mark_earlier(self) -> None:
        own_ids = np.where(self._image_set == 0, self._ids, -1)
        known_ids = set(own_ids.tolist())
        for one in self._earlier:
            missing = set(one.ids) - known_ids
            if missing:
                raise UserError(
                    f"Picture {min(missing)}, forgotten by run {one.run}, is no longer in {self.own.name}."
                )
            self.group[np.isin(own_ids, one.ids)] = EARLIER

    def predict(
        self, module: nn.Module, progressed: Callable[[float], None], known: Predictions | None = None
    ) -> Predictions:
        """Return a classifier's predictions on all measured pictures.

        `progressed` is called with the share done, 0 to 1, and may raise to stop. `known` are the predictions
        on the request's own image set, where they are known.
        """
        parts = [] if known is None else [known]
        unknown = list(enumerate(self._sets))[len(parts) :]
        if not unknown:
            progressed(1.0)
        for number, one in unknown:
            measured = self._measured[self._image_set[self._measured] == number]
            inside = measured - np.searchsorted(self._image_set, number)
            whole = len(measured) == len(one.ids)
            done = sum(len(part.classes) for part in parts)

            def looked_at(count: int, done: int = done) -> None:
                progressed((done + count) / len(self._measured))

            pixels = one.pixels if whole else _Rows(one.pixels, inside)
            parts.append(predict(module, pixels, self.labels[measured], self.device, looked_at))
        return joined(parts)

    def know(self, before: Predictions) -> None:
        """Fill in missing labels with the original's predictions, and set those of earlier forget sets."""
        self._before = before.classes
        self.labels = np.where(self._labelled, self.labels, before.classes)
        places = {int(picture): place for place, picture in enumerate(self.own.ids)}
        for one in self._earlier:
            self.labels[[places[picture] for picture in one.ids]] = one.labels

    def choose(
        self,
        pick: str,
        before: Predictions,
        class_names: tuple[str, ...],
        seed: int,
        never_seen: NeverSeen | None = None,
    ) -> None:
        """Resolve a pick and mark its pictures as the forget set; an impossible one raises `UserError`.

        `never_seen` is needed to pick by memorisation.
        """
        candidates = self.retained(own=True)
        if not len(candidates):
            raise UserError(f"The image set {self.own.name} has no pictures that can be forgotten.")
        ids = self._ids[candidates]
        wanted, memorisation = Pick.parse(pick), None
        if wanted.kind == "memorised" and never_seen is not None:
            memorisation = never_seen.memorisation(ids, before.confidences[candidates])
        self.picked = wanted.resolve(
            ids,
            self.labels[candidates],
            before.losses[candidates],
            class_names,
            seed,
            memorisation=memorisation,
            recognised=before.classes[candidates] == self.labels[candidates],
        )
        own_positions = {int(self._ids[position]): position for position in candidates}
        self.positions = np.array([own_positions[one] for one in self.picked])
        self.group[self.positions] = FORGET

    @property
    def others(self) -> int:
        """The number of pictures of the retain set and of the test set."""
        return int(np.isin(self.group, (RETAIN, TEST)).sum())

    def measure_at_most(self, most: int, seed: int) -> None:
        """Measure only a sample of the retain set and the test set from here on; after `choose`."""
        others = np.isin(self.group, (RETAIN, TEST))
        if others.sum() > most:
            drawn = sample(np.flatnonzero(others), most, seed)
            self._measured = np.sort(np.concatenate([np.flatnonzero(~others), drawn]))

    @property
    def places(self) -> NDArray[np.intp]:
        """The positions of the forget set in the comparison."""
        return np.searchsorted(self._measured, self.positions)

    def copies(self) -> tuple[int, int]:
        """Return how many pictures of the retain set and of the test set are identical to a picked one."""
        picked = [self.own.pixels[place] for place in self.positions]
        # Of most pictures the row in the middle is enough, which matters for those in a file.
        rows = {one[len(one) // 2].tobytes() for one in picked}
        whole = {one.tobytes() for one in picked}
        shown = (one for images in self._sets for one in images.pixels)
        same = [
            group
            for group, one in zip(self.group, shown, strict=True)
            if one[len(one) // 2].tobytes() in rows and one.tobytes() in whole
        ]
        return same.count(RETAIN), same.count(TEST)

    def retained(self, own: bool) -> NDArray[np.intp]:
        """Return the positions of retained pictures, with `own` only those of the request's image set."""
        chosen = self.group == RETAIN
        return np.flatnonzero(chosen & (self._image_set == 0) if own else chosen)

    def sample(self, seed: int) -> NDArray[np.intp]:
        """Return the positions of a sample of retained pictures of one image set."""
        retained = self.retained(own=True)
        if not len(retained):
            retained = self.retained(own=False)
        return sample(retained, RETAIN_SAMPLE.of(self.own.pixels.shape[1]), seed)

    def share_kept(self, module: nn.Module, sample: NDArray[np.intp]) -> float | None:
        """Return the percentage of a sample predicted as its label; None if it is empty."""
        if not len(sample):
            return None
        number = self._image_set[sample[0]]
        inside = sample - np.flatnonzero(self._image_set == number)[0]
        labels = self.labels[sample]
        said = predict(module, self._sets[number].pixels[inside], labels, self.device)
        return 100 * float((said.classes == labels).mean())

    def share_kept_before(self, sample: NDArray[np.intp]) -> float | None:
        """Return the same of the original, after `know`."""
        if not len(sample) or self._before is None:
            return None
        return 100 * float((self._before[sample] == self.labels[sample]).mean())

    def comparison(self, before: Predictions, after: Predictions, class_names: tuple[str, ...]) -> Comparison:
        """Return all measured pictures with their predictions; those before are of all pictures."""
        rows, before = self._measured, before.at(self._measured)
        return Comparison(
            ids=self._ids[rows],
            image_set=self._image_set[rows],
            group=self.group[rows],
            labels=self.labels[rows],
            labelled=self._labelled[rows],
            before=before.classes,
            after=after.classes,
            before_confidences=before.confidences,
            after_confidences=after.confidences,
            before_top=before.top_confidences,
            after_top=after.top_confidences,
            class_names=class_names,
        )


class _Rows:
    """Some of an array's pictures, which may be in a file; a slice of them is read when it is asked for."""

    def __init__(self, pixels: NDArray[np.uint8], rows: NDArray[np.intp]) -> None:
        self._pixels, self._rows = pixels, rows
        self.shape = (len(rows), *pixels.shape[1:])

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, part: slice) -> NDArray[np.uint8]:
        return self._pixels[self._rows[part]]
