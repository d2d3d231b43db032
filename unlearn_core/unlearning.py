"""The whole job in one call: pick, forget, measure."""

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unlearn_core.catalog.classifiers import Classifier
from unlearn_core.catalog.image_sets import ImageSet
from unlearn_core.catalog.picks import Pick
from unlearn_core.catalog.pictures import SMALL
from unlearn_core.devices import choose_device, describe
from unlearn_core.errors import UserError
from unlearn_core.forgetting.goals import Goal, Misclassify, Relabel
from unlearn_core.forgetting.loop import ForgettingLoop, Step, is_snapshot_step
from unlearn_core.forgetting.methods.base import CancelledError, Task
from unlearn_core.forgetting.registry import method_entry
from unlearn_core.measuring.predictions import Predictions, predict, to_pixels
from unlearn_core.runs.request import ForgetRequest

FORGET, RETAIN, TEST = 0, 1, 2
RETAIN_SAMPLE_OF_SMALL_PICTURES, RETAIN_SAMPLE_OF_LARGE_PICTURES = 256, 24
"""Retained pictures looked at on the way, so that a person can watch D_r; the result uses all of them."""


@dataclass
class Observer:
    """What to call while a job runs. `step` gets the step and the accuracy (or agreement) on a sample of D_r
    in percent, which is None at steps where it was not measured."""

    phase: Callable[[str], None] = lambda phase: None
    step: Callable[[Step, float | None], None] = lambda step, retained: None
    snapshot: Callable[[int, torch.nn.Module], None] = lambda step, module: None
    cancelled: Callable[[], bool] = lambda: False


@dataclass(frozen=True)
class Measured:
    """Every measured picture before and after, in the order of the image set."""

    ids: NDArray[np.int64]
    image_set: NDArray[np.int8]
    group: NDArray[np.int8]
    labels: NDArray[np.int64]
    labelled: NDArray[np.bool_]
    before: Predictions
    after: Predictions


@dataclass
class Outcome:
    """What came of a job. `result` is the command line's JSON object (without the run's id)."""

    result: dict[str, Any]
    original: Classifier
    classifier: Classifier
    measured: Measured
    forget_pixels: Tensor
    steps: list[Step] = field(default_factory=list)


def unlearn(
    classifier: Classifier,
    images: ImageSet,
    *,
    measure_on: ImageSet | None = None,
    observer: Observer | None = None,
    seconds: dict[str, float] | None = None,
    **request: Any,
) -> Outcome:
    """Make a copy of the classifier forget the picked pictures and measure what changed.

    Args:
        classifier: stays as it is.
        images: where the pictures to forget are picked from; its test pictures are only measured on.
        measure_on: a second set whose pictures are measured as retained ones.
        observer: is told of phases, steps and snapshots, and may cancel.
        seconds: time already spent, by phase ("load").
        request: the other fields of `ForgetRequest`: pick, goal, new_labels, method, options, seed, device,
            max_steps.

    Raises:
        UserError: an unknown name, an impossible pick or a value out of range.
    """
    asked = ForgetRequest.parse(**{"classifier": classifier.name, "images": images.name, **request})
    return _Job(classifier, images, measure_on, asked, observer or Observer(), dict(seconds or {})).run()


class _Job:
    """The state that the parts of one `unlearn` call share."""

    def __init__(
        self,
        classifier: Classifier,
        images: ImageSet,
        measure_on: ImageSet | None,
        asked: ForgetRequest,
        observer: Observer,
        seconds: dict[str, float],
    ) -> None:
        self.started = time.perf_counter() - sum(seconds.values())
        self.entry = method_entry(asked.method)
        self.method = self.entry.load()(self.entry.complete(asked.options))
        self.asked, self.observer, self.seconds = asked, observer, seconds
        self.sets = [images] if measure_on is None else [images, measure_on]
        self.device = choose_device(asked.device)
        self.original = _copy_to(classifier, self.device)
        self.classifier = _copy_to(classifier, self.device)

    def run(self) -> Outcome:
        start = time.perf_counter()
        self.observer.phase("measure")
        self._join_sets()
        before = self._predict(self.original)
        self._choose(before)
        self.seconds["measure"] = time.perf_counter() - start
        task = self._task(before)
        loop = ForgettingLoop(self.method, task, self.asked.max_steps)
        steps = self._forget(loop)
        with task.phase("measure"):
            after = self._predict(self.classifier)
        measured = Measured(
            self.ids, self.image_set, self.group, self._filled_labels(before), self.labelled, before, after
        )
        return Outcome(
            self._result(measured, loop), self.original, self.classifier, measured, task.pixels, steps
        )

    def _join_sets(self) -> None:
        """Lay the own set and the second one end to end."""
        sizes = [len(one.ids) for one in self.sets]
        self.ids = np.concatenate([one.ids for one in self.sets])
        self.labels = np.concatenate([one.labels for one in self.sets])
        self.labelled = np.concatenate([one.labelled for one in self.sets])
        self.image_set = np.repeat(np.arange(len(sizes), dtype=np.int8), sizes)
        is_test = np.concatenate([one.is_test for one in self.sets])
        self.group = np.where(is_test, TEST, RETAIN).astype(np.int8)
        self.group[self.image_set == 1] = RETAIN

    def _predict(self, classifier: Classifier) -> Predictions:
        parts = [
            predict(classifier.module, one.pixels, self._labels_of(one), self.device) for one in self.sets
        ]
        return Predictions(
            *(
                np.concatenate([getattr(part, name) for part in parts])
                for name in ("classes", "top_confidences", "confidences", "losses")
            )
        )

    def _labels_of(self, images: ImageSet) -> NDArray[np.int64]:
        """Return the labels, with the original's prediction where there is none once it is known."""
        position = self.sets.index(images)
        if hasattr(self, "_known_labels"):
            return self._known_labels[self.image_set == position]
        return images.labels

    def _filled_labels(self, before: Predictions) -> NDArray[np.int64]:
        return np.where(self.labelled, self.labels, before.classes)

    def _choose(self, before: Predictions) -> None:
        """Resolve the pick and mark its pictures as the forget set."""
        self._known_labels = self._filled_labels(before)
        candidates = np.flatnonzero((self.image_set == 0) & (self.group == RETAIN))
        if not len(candidates):
            raise UserError(f"The image set {self.sets[0].name} has no pictures that can be forgotten.")
        self.picked = Pick.parse(self.asked.pick).resolve(
            self.ids[candidates],
            self._known_labels[candidates],
            before.losses[candidates],
            self.classifier.class_names,
            self.asked.seed,
        )
        own_positions = {int(self.ids[position]): position for position in candidates}
        self.positions = np.array([own_positions[one] for one in self.picked])
        self.group[self.positions] = FORGET

    def _task(self, before: Predictions) -> Task:
        labels = torch.from_numpy(self._known_labels[self.positions]).to(self.device)
        pixels = to_pixels(self.sets[0].pixels[self.positions], self.device)
        return Task(
            module=self.classifier.module,
            pixels=pixels,
            labels=labels,
            goal=self._goal(pixels, labels),
            generator=torch.Generator().manual_seed(self.asked.seed),
            cancelled=self.observer.cancelled,
            entered=self.observer.phase,
            seconds=self.seconds,
        )

    def _goal(self, pixels: Tensor, labels: Tensor) -> Goal:
        if self.asked.goal == "misclassify":
            return Misclassify(labels)
        with torch.no_grad():
            logits = torch.cat([self.classifier.module(part) for part in pixels.split(64)])
        new_labels = logits.scatter(1, labels[:, None], -torch.inf).argmax(1)
        classes = len(self.classifier.class_names)
        for one, label in self.asked.new_labels.items():
            if one not in self.picked:
                raise UserError(f"Picture {one} has a new label but is not to be forgotten.")
            position = self.picked.index(one)
            if not 0 <= label < classes or label == labels[position]:
                raise UserError(f"{label} cannot be the new label of picture {one}.")
            new_labels[position] = label
        return Relabel(new_labels)

    def _forget(self, loop: ForgettingLoop) -> list[Step]:
        """Run the loop, telling the observer; return its steps."""
        steps: list[Step] = []
        try:
            loop.prepare()
        except CancelledError:
            loop.stopped = "cancelled"
            return steps
        sample = self._retain_sample()
        with loop.task.phase("optimise"):
            for step in loop:
                steps.append(step)
                retained = None
                if is_snapshot_step(step.step):
                    with loop.task.phase("measure"):
                        retained = self._share_kept(sample)
                    self.observer.snapshot(step.step, loop.task.module)
                self.observer.step(step, retained)
        return steps

    def _retain_sample(self) -> NDArray[np.intp]:
        retained = np.flatnonzero((self.group == RETAIN) & (self.image_set == 0))
        if not len(retained):
            retained = np.flatnonzero(self.group == RETAIN)
        small = self.sets[0].pixels.shape[1] <= SMALL
        size = RETAIN_SAMPLE_OF_SMALL_PICTURES if small else RETAIN_SAMPLE_OF_LARGE_PICTURES
        return np.random.default_rng(self.asked.seed).permutation(retained)[:size]

    def _share_kept(self, sample: NDArray[np.intp]) -> float | None:
        """Return the percentage of the sample predicted as its label, or as before where it has none."""
        if not len(sample):
            return None
        source = self.sets[self.image_set[sample[0]]]
        inside = sample - np.flatnonzero(self.image_set == self.image_set[sample[0]])[0]
        labels = self._known_labels[sample]
        said = predict(self.classifier.module, source.pixels[inside], labels, self.device)
        return 100 * float((said.classes == labels).mean())

    def _result(self, measured: Measured, loop: ForgettingLoop) -> dict[str, Any]:
        phases = {"load": 0.0, "attack": 0.0, "importance": 0.0, "optimise": 0.0, "measure": 0.0}
        spent = {name: round(self.seconds.get(name, zero), 3) for name, zero in phases.items()}
        spent["total"] = round(time.perf_counter() - self.started, 3)
        groups = {"forget": FORGET, "retain": RETAIN, "test": TEST}
        return {
            "classifier": self.asked.classifier,
            "images": self.asked.images,
            "method": self.asked.method,
            "goal": self.asked.goal,
            "device": describe(self.device),
            "seed": self.asked.seed,
            "k": len(self.picked),
            "ids": self.picked,
            "accuracy": {name: _accuracy(measured, group) for name, group in groups.items()},
            "agreement": {name: _agreement(measured, groups[name]) for name in ("retain", "test")},
            "seconds": spent,
            "steps": loop.step,
            "stopped": loop.stopped,
        }


def _copy_to(classifier: Classifier, device: torch.device) -> Classifier:
    other = copy.copy(classifier)
    other.module = copy.deepcopy(classifier.module).to(device).to(memory_format=torch.channels_last).eval()
    return other


def _accuracy(measured: Measured, group: int) -> dict[str, float | int | None]:
    """Return accuracy in percent; of the forget set against the former prediction where there is no label."""
    chosen = measured.group == group
    if group != FORGET:
        chosen &= measured.labelled
    n = int(chosen.sum())
    if not n:
        return {"before": None, "after": None, "n": 0}
    labels = measured.labels[chosen]
    return {
        "before": _percent(measured.before.classes[chosen] == labels),
        "after": _percent(measured.after.classes[chosen] == labels),
        "n": n,
    }


def _agreement(measured: Measured, group: int) -> float | None:
    chosen = measured.group == group
    if not chosen.any():
        return None
    return _percent(measured.before.classes[chosen] == measured.after.classes[chosen])


def _percent(hits: NDArray[np.bool_]) -> float:
    return round(100 * float(hits.mean()), 3)
