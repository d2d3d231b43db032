"""The whole job in one call: pick, forget, measure."""

import copy
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unlearn_core.artifacts.predictions import EARLIER, FORGET, RETAIN, TEST
from unlearn_core.artifacts.results import (
    EarlierSet,
    Measured,
    accuracy,
    agreement,
    earlier_accuracy,
    remarks,
)
from unlearn_core.catalog.classifiers import Classifier
from unlearn_core.catalog.image_sets import ImageSet
from unlearn_core.catalog.shipped.training import RECIPES, Training
from unlearn_core.common.devices import choose_device, describe
from unlearn_core.errors import UserError
from unlearn_core.forgetting.goals import Goal, Misclassify, Relabel, runner_up
from unlearn_core.forgetting.loop import ForgettingLoop, Step, is_snapshot_step
from unlearn_core.forgetting.methods.base import CancelledError, Task, logits_of
from unlearn_core.forgetting.registry import method_entry
from unlearn_core.forgetting.retained import Retained
from unlearn_core.jobs.data_split import JobPictures
from unlearn_core.measuring.predict import to_pixels
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.snapshots import interpolated


@dataclass
class Observer:
    """What to call while a job runs.

    `progress` gets the share of the phase that is done, 0 to 1. `step` gets the step and the accuracy (or
    agreement) on a sample of D_r in percent, which is None at steps where it was not measured.
    """

    phase: Callable[[str], None] = lambda phase: None
    progress: Callable[[float], None] = lambda share: None
    step: Callable[[Step, float | None], None] = lambda step, retained: None
    snapshot: Callable[[int, torch.nn.Module], None] = lambda step, module: None
    cancelled: Callable[[], bool] = lambda: False


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
    earlier: Sequence[EarlierSet] = (),
    reference: Classifier | None = None,
    **request: Any,
) -> Outcome:
    """Make a copy of the classifier forget the picked pictures and measure what changed.

    Args:
        classifier: stays as it is.
        images: where the pictures to forget are picked from; its test pictures are only measured on.
        measure_on: a second set whose pictures are measured as retained ones.
        observer: is told of phases, steps and snapshots, and may cancel.
        seconds: time already spent, by phase ("load").
        earlier: what the classifier was made to forget before; its pictures cannot be picked, do not count as
            retained, and are measured on their own.
        reference: the classifier before it was made to forget those; None where nothing was forgotten before.
        request: the other fields of `ForgetRequest`: pick, goal, new_labels, method, options, seed, device,
            max_steps.

    Raises:
        UserError: an unknown name, an impossible pick or a value out of range.
        CancelledError: cancelled while the classifier was measured before anything else; when cancelled
            later there is an outcome that says so.
    """
    asked = ForgetRequest.parse(**{"classifier": classifier.name, "images": images.name, **request})
    job = _Job(
        classifier, images, measure_on, asked, observer or Observer(), dict(seconds or {}), earlier, reference
    )
    return job.run()


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
        earlier: Sequence[EarlierSet],
        reference: Classifier | None,
    ) -> None:
        self.started = time.perf_counter() - sum(seconds.values())
        self.entry = method_entry(asked.method)
        self.entry.check_retained(asked.retained)
        self.method = self.entry.load()(self.entry.complete(asked.options))
        self.asked, self.observer, self.seconds, self.earlier = asked, observer, seconds, earlier
        self.device = choose_device(asked.device)
        self.pictures = JobPictures(images, measure_on, earlier, self.device)
        self.frontier: list[dict[str, float | int]] = []
        self.original = _copy_to(classifier, self.device)
        self.reference = None if reference is None else _copy_to(reference, self.device).module
        self.classifier = _copy_to(classifier, self.device)

    def run(self) -> Outcome:
        start = time.perf_counter()
        self.observer.phase("measure")
        before = self.pictures.predict(self.original.module, self._told_before)
        self.pictures.know(before)
        names = self.classifier.class_names
        self.pictures.choose(self.asked.pick, before, names, self.asked.seed)
        self.seconds["measure"] = time.perf_counter() - start
        task = self._task()
        loop = ForgettingLoop(self.method, task, self.asked.max_steps)
        steps = self._forget(loop)
        if self.asked.strength != 1:
            self._set_strength()
        with task.phase("measure"):
            after = self.pictures.predict(self.classifier.module, self.observer.progress)
        measured = self.pictures.measured(before, after)
        return Outcome(
            self._result(measured, loop),
            self.original,
            self.classifier,
            measured,
            task.pixels[: len(self.pictures.picked)],
            steps,
        )

    def _told_before(self, share: float) -> None:
        """Tell how far measuring is, before anything is changed: here a person may still stop for nothing."""
        if self.observer.cancelled():
            raise CancelledError
        self.observer.progress(share)

    def _task(self) -> Task:
        pictures = self.pictures
        positions = pictures.positions
        if self.method.keeps_earlier:
            positions = np.concatenate([positions, np.flatnonzero(pictures.group == EARLIER)])
        labels = torch.from_numpy(pictures.labels[positions]).to(self.device)
        pixels = to_pixels(pictures.own.pixels[positions], self.device)
        return Task(
            module=self.classifier.module,
            pixels=pixels,
            labels=labels,
            goal=self._goal(pixels, labels),
            generator=torch.Generator().manual_seed(self.asked.seed),
            cancelled=self.observer.cancelled,
            entered=self.observer.phase,
            progressed=self.observer.progress,
            seconds=self.seconds,
            retained=self._retained(),
            reference=self.reference,
            retrain=self._retraining(),
            asked=len(pictures.picked),
        )

    def _retraining(self) -> Callable[[Retained], Training] | None:
        recipe = RECIPES.get(self.asked.classifier)
        if recipe is None:
            return None
        return lambda retained: Training(recipe, retained.pixels, retained.labels, self.asked.seed)

    def _retained(self) -> Retained | None:
        """Return the retained pictures that the person lets the method learn from."""
        if not self.asked.retained:
            return None
        own = self.pictures.retained(own=True)
        images = self.pictures.own
        if not len(own):
            raise UserError(f"{images.name} has no retained pictures to learn from.")
        chosen = np.random.default_rng(self.asked.seed).permutation(own)[: self.asked.retained]
        pixels = torch.from_numpy(images.pixels[chosen]).permute(0, 3, 1, 2)
        return Retained(pixels, torch.from_numpy(self.pictures.labels[chosen]))

    def _goal(self, pixels: Tensor, labels: Tensor) -> Goal:
        if self.asked.goal == "misclassify":
            return Misclassify(labels)
        new_labels = runner_up(logits_of(self.classifier.module, pixels), labels)
        classes = len(self.classifier.class_names)
        for one, label in self.asked.new_labels.items():
            if one not in self.pictures.picked:
                raise UserError(f"Picture {one} has a new label but is not to be forgotten.")
            position = self.pictures.picked.index(one)
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
        sample = self.pictures.sample(self.asked.seed)
        with loop.task.phase("optimise"):
            for step in loop:
                steps.append(step)
                retained = self._snapshot(loop, step, sample) if is_snapshot_step(step.step) else None
                self.observer.step(step, retained)
            if steps and not is_snapshot_step(steps[-1].step):
                self._snapshot(loop, steps[-1], sample)
        return steps

    def _set_strength(self) -> None:
        """Go back, or on, along the line from before to after."""
        module = self.classifier.module
        weights = interpolated(self.original.module.state_dict(), module.state_dict(), self.asked.strength)
        module.load_state_dict(weights)

    def _snapshot(self, loop: ForgettingLoop, step: Step, sample: NDArray[np.intp]) -> float | None:
        """Let the classifier of this step be kept; return the accuracy on the sample of D_r."""
        with loop.task.phase("measure"):
            retained = self.pictures.share_kept(self.classifier.module, sample)
        self._walked(step, retained)
        self.observer.snapshot(step.step, loop.task.module)
        return retained

    def _walked(self, step: Step, retained: float | None) -> None:
        """Note a point of the frontier: how much was forgotten, and how much of D_r was kept then."""
        if retained is not None:
            forgotten = round(100 * step.forgotten / step.k, 3)
            self.frontier.append({"step": step.step, "forgotten": forgotten, "retain": round(retained, 3)})

    def _result(self, measured: Measured, loop: ForgettingLoop) -> dict[str, Any]:
        phases = {"load": 0.0, "attack": 0.0, "importance": 0.0, "optimise": 0.0, "measure": 0.0}
        spent = {name: round(self.seconds.get(name, zero), 3) for name, zero in phases.items()}
        spent["total"] = round(time.perf_counter() - self.started, 3)
        groups = {"forget": FORGET, "retain": RETAIN, "test": TEST}
        result = {
            "classifier": self.asked.classifier,
            "images": self.asked.images,
            "method": self.asked.method,
            "goal": self.asked.goal,
            "device": describe(self.device),
            "seed": self.asked.seed,
            "k": len(self.pictures.picked),
            "ids": self.pictures.picked,
            "accuracy": {name: accuracy(measured, group) for name, group in groups.items()},
            "agreement": {name: agreement(measured, groups[name]) for name in ("retain", "test")},
            "seconds": spent,
            "steps": loop.step,
            "stopped": loop.stopped,
            "after": self.asked.after,
            "earlier": earlier_accuracy(measured, self.earlier),
            "retained_used": 0 if loop.task.retained is None else len(loop.task.retained.labels),
            "frontier": self.frontier,
        }
        said = [*remarks(result), *self.pictures.own.notes]
        if self.asked.strength != 1:
            said.append(
                f"The weights went {100 * self.asked.strength:.0f} % of the way that the method found."
            )
        labels = np.unique(self.pictures.labels[self.pictures.positions])
        if len(labels) == 1 < len(self.pictures.picked):
            name = self.classifier.class_names[labels[0]].split(",")[0]
            said.append(
                f"All forgotten pictures are of one class, {name}: the class as a whole may suffer with them."
            )
        if loop.batch_halvings:
            said.append(f"Memory ran out: the batches were halved {loop.batch_halvings} times.")
        return {**result, "remarks": said}


def _copy_to(classifier: Classifier, device: torch.device) -> Classifier:
    other = copy.copy(classifier)
    other.module = copy.deepcopy(classifier.module).to(device).to(memory_format=torch.channels_last).eval()
    return other
