"""One forgetting job from the first measurement to the outcome."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy import intp
from numpy.typing import NDArray

from unlearn_core.artifacts.never_seen import find_never_seen
from unlearn_core.artifacts.predictions import Comparison, Predictions
from unlearn_core.artifacts.results import Depth, EarlierSet, FrontierPoint, Result
from unlearn_core.artifacts.steps import StepRecord
from unlearn_core.catalog.classifiers import Classifier
from unlearn_core.catalog.image_sets import ImageSet
from unlearn_core.common.budget import SMALL
from unlearn_core.common.devices import choose_device, describe
from unlearn_core.common.load_tensors import load_tensors
from unlearn_core.forgetting.loop import ForgettingLoop, is_snapshot_step
from unlearn_core.forgetting.methods.base import CancelledError, Method, Task
from unlearn_core.forgetting.registry import load_method, method_entry
from unlearn_core.forgetting.step import Step, is_round
from unlearn_core.jobs.build_result import TOO_SHALLOW, build_result, never_seen_numbers
from unlearn_core.jobs.data_split import JobPictures
from unlearn_core.jobs.make_task import copy_to, make_task, report_to
from unlearn_core.jobs.prepared import Prepared
from unlearn_core.jobs.report import NoReport, Outcome, Report
from unlearn_core.measuring.depth import measure_depth
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.snapshots import interpolated


@dataclass(frozen=True)
class Found:
    """What a finished run found: the file of its weights, its result and its steps."""

    weights: Path
    result: Result
    steps: tuple[Step, ...]


class Job:
    """A request with its classifier, image sets and method.

    Args:
        request: of the job.
        classifier: is not changed.
        images: where the pictures to forget are picked from; its test pictures are only measured on.
        measure_on: a second image set, measured as part of the retain set.
        method: replaces the one that the request names.
        report: receives phases, steps, snapshots and the outcome, and may cancel.
        seconds: time already spent, by phase ("load").
        earlier: forget sets of earlier runs.
        reference: the classifier before the earlier runs; None if there are none.
        known: the classifier's predictions on `images`, where they are known.
        found: what a run that forgot the same found: its weights are then not looked for again.
        keep: called with the predictions on `images` that were not known.

    Raises:
        UserError: an unknown method or option, a missing device, a missing picture of an earlier forget
            set, or a damaged file of what was never seen.
    """

    def __init__(
        self,
        request: ForgetRequest,
        classifier: Classifier,
        images: ImageSet,
        measure_on: ImageSet | None = None,
        method: Method | None = None,
        *,
        report: Report | None = None,
        seconds: Mapping[str, float] | None = None,
        earlier: Sequence[EarlierSet] = (),
        reference: Classifier | None = None,
        known: Predictions | None = None,
        found: Found | None = None,
        keep: Callable[[Predictions], object] = lambda said: None,
    ) -> None:
        self.seconds = dict(seconds or {})
        self.started = time.perf_counter() - sum(self.seconds.values())
        self.request, self.report, self.earlier = request, report or NoReport(), earlier
        self.method = method or _registered(request)
        if entry := getattr(self.method, "entry", None):
            entry.check_goal(request.goal)
        self.device = choose_device(request.device)
        self.pictures = JobPictures(images, measure_on, earlier, self.device)
        self.original = copy_to(classifier, self.device)
        self.reference = None if reference is None else copy_to(reference, self.device).module
        self.classifier = copy_to(classifier, self.device)
        self.never_seen = find_never_seen(request.classifier, request.images)
        self.frontier: list[FrontierPoint] = []
        self._known, self._found, self._keep = known, found, keep

    def begin(self) -> ForgettingLoop:
        """Measure before, pick, and return the loop, which is not prepared; raises like `unlearn`."""
        start = time.perf_counter()
        # What methods draw by generators of their own follows the seed anyway, but not dropout.
        torch.manual_seed(self.request.seed)
        self.report.phase("measure")
        before = self.before = self.pictures.predict(self.original.module, self._measured_before, self._known)
        if self._known is None:
            self._keep(before.at(slice(len(self.pictures.own.ids))))
        self.pictures.know(before)
        names = self.classifier.class_names
        self.pictures.choose(self.request.pick, before, names, self.request.seed, self.never_seen)
        if self.request.measure:
            self.pictures.measure_at_most(self.request.measure, self.request.seed)
        self.seconds["measure"] = time.perf_counter() - start
        task = make_task(
            self.request,
            self.pictures,
            self.classifier.module,
            reference=self.reference,
            keeps_earlier=self.method.keeps_earlier,
            report=self.report,
            seconds=self.seconds,
        )
        return ForgettingLoop(self.method, task, self.request.max_steps)

    def run(self, prepared: Prepared | None = None) -> Outcome:
        """Carry out the job; raises like `unlearn`.

        `prepared` is another job's loop, for the same request, classifier and pictures: it is used up.
        """
        loop = self.begin()
        if prepared is not None:
            loop = self._prepared_ahead(prepared)
        steps = self._forget(loop) if self._found is None else self._take_over(loop, self._found)
        if self.request.strength != 1:
            self._set_strength()
        task = loop.task
        with task.phase("measure"):
            after = self.pictures.predict(self.classifier.module, self.report.progress)
            depth = self._depth(task)
        comparison = self.pictures.comparison(self.before, after, self.classifier.class_names)
        outcome = Outcome(
            result=self._result(comparison, loop, depth),
            original=self.original,
            classifier=self.classifier,
            comparison=comparison,
            forget_pixels=task.pixels[: len(self.pictures.picked)],
            steps=tuple(steps),
        )
        self.report.result(outcome)
        return outcome

    def _measured_before(self, share: float) -> None:
        """Report the progress of the measurement before; cancelling here leaves no result."""
        if self.report.cancelled():
            raise CancelledError
        self.report.progress(share)

    def _prepared_ahead(self, prepared: Prepared) -> ForgettingLoop:
        """Take over a loop that was prepared while the person still picked; its time counts as this job's."""
        loop = prepared.loop
        self.classifier, self.method = prepared.classifier, loop.method
        for phase, seconds in prepared.seconds.items():
            self.seconds[phase] = self.seconds.get(phase, 0.0) + seconds
            self.started -= seconds
        report_to(self.report, loop.task, self.seconds)
        if prepared.look_alikes is not None:
            self.report.look_alikes(prepared.look_alikes)
        return loop

    def _forget(self, loop: ForgettingLoop) -> list[Step]:
        """Run the loop and report its steps; return them."""
        steps: list[Step] = []
        try:
            loop.prepare()
        except CancelledError:
            loop.stopped = "cancelled"
        known = self._resume(loop)
        steps.extend(known)
        if loop.stopped:
            return steps
        sample = self.pictures.sample(self.request.seed)
        with loop.task.phase("optimise"):
            for step in loop:
                if step.step < len(known):
                    continue
                steps.append(step)
                looks = is_looked_at(step.step, self.pictures.own.pixels.shape[1])
                retained = self._look(loop.task, step, sample) if looks else None
                if has_snapshot := is_snapshot_step(step.step):
                    self.report.snapshot(step.step, loop.task.module)
                self.report.step(step, retained)
                if has_snapshot and self.method.resumable:
                    self.report.checkpoint(loop.state)
            if steps:
                self._end(loop.task, steps[-1], sample)
        return steps

    def _end(self, task: Task, last: Step, sample: NDArray[intp]) -> None:
        """Look at the last step and report its snapshot, where that was not done on the way."""
        if not is_looked_at(last.step, self.pictures.own.pixels.shape[1]):
            self._look(task, last, sample)
        if not is_snapshot_step(last.step):
            self.report.snapshot(last.step, task.module)

    def _resume(self, loop: ForgettingLoop) -> Sequence[StepRecord]:
        """Take the loop to where an earlier attempt was interrupted; return the steps up to there.

        A loop that was cancelled while it prepared takes the weights alone.
        """
        resumed = self.report.resumed()
        if resumed is None:
            return ()
        (loop.restore_weights if loop.stopped else loop.restore)(dict(resumed.state))
        self.started -= resumed.seconds
        for step in resumed.steps:
            if step.retain_accuracy is not None:
                self._add_to_frontier(step, step.retain_accuracy)
        return resumed.steps

    def _take_over(self, loop: ForgettingLoop, found: Found) -> list[Step]:
        """Leave the loop as it was at the end of the run that found the weights; return its steps."""
        self.classifier.load_weights(found.weights)
        loop.step, loop.stopped = found.result.steps, found.result.stopped
        loop.too_shallow = any(remark.startswith(TOO_SHALLOW) for remark in found.result.remarks)
        self.frontier.extend(found.result.frontier)
        return list(found.steps)

    def _set_strength(self) -> None:
        """Interpolate the weights between before and after; points on the way say nothing of a part of it."""
        self.frontier.clear()
        module = self.classifier.module
        weights = interpolated(self.original.module.state_dict(), module.state_dict(), self.request.strength)
        load_tensors(module, weights)

    def _look(self, task: Task, step: Step, sample: NDArray[intp]) -> float | None:
        """Return the accuracy on the sample of D_r after a step; None if there is no sample."""
        with task.phase("measure"):
            if not step.step:
                retained = self.pictures.share_kept_before(sample)
            else:
                retained = self.pictures.share_kept(self.classifier.module, sample)
        if retained is not None:
            self._add_to_frontier(step, retained)
        return retained

    def _add_to_frontier(self, step: Step, retained: float) -> None:
        forgotten = round(100 * step.forgotten / step.k, 3)
        self.frontier.append(FrontierPoint(step=step.step, forgotten=forgotten, retain=round(retained, 3)))

    def _depth(self, task: Task) -> Depth:
        """Measure the depth of forgetting on this run's own forget set."""
        own = slice(task.asked)
        return measure_depth(self.original.module, self.classifier.module, task.pixels[own], task.labels[own])

    def _all_seconds(self) -> dict[str, float]:
        """Return the seconds by phase; for weights that were found before with those that this took."""
        spent = {**self.seconds, "total": time.perf_counter() - self.started}
        found = {} if self._found is None else self._found.result.seconds.model_dump()
        return {name: spent.get(name, 0.0) + found.get(name, 0.0) for name in {*spent, *found}}

    def _result(self, comparison: Comparison, loop: ForgettingLoop, depth: Depth) -> Result:
        unseen = self.never_seen and self.never_seen.of(np.array(self.pictures.picked))
        confidences = comparison.after_confidences[self.pictures.places]
        return build_result(
            self.request,
            loop,
            comparison,
            ids=self.pictures.picked,
            others=self.pictures.others,
            device=describe(self.device),
            seconds=self._all_seconds(),
            earlier=self.earlier,
            frontier=self.frontier,
            depth=depth,
            never_seen=None if unseen is None else never_seen_numbers(unseen, confidences),
            notes=self.pictures.own.notes,
            copies=self.pictures.copies(),
        )


def is_looked_at(step: int, side: int) -> bool:
    """Return whether the sample of D_r is measured at a step: two per doubling (1, 2, 3, 4, 6, 8, 12, 16…).

    Of large pictures this takes as long as half a step: of the first eight the fourth is enough.

    Args:
        step: from 0.
        side: of the pictures, in pixels.
    """
    if side > SMALL and 0 < step < 8:
        return step == 4
    return is_round(step, 2)


def _registered(request: ForgetRequest) -> Method:
    """Return the method that a request names, with its options complete."""
    entry = method_entry(request.method)
    entry.check_retained(request.retained)
    return load_method(entry)(entry.complete(request.options))
