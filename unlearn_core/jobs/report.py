"""The interface through which a job reports, and its outcome."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor, nn

from unlearn_core.artifacts.predictions import Comparison
from unlearn_core.artifacts.results import Result
from unlearn_core.catalog.classifiers import Classifier
from unlearn_core.forgetting.step import Step
from unlearn_core.jobs.checkpoint import Checkpoint


@dataclass(frozen=True)
class Outcome:
    """The outcome of a job.

    Attributes:
        result: the numbers; without a run id until a store saves it.
        original: the classifier before, on the job's device.
        classifier: the classifier after, on the job's device.
        comparison: predictions of both on every measured picture.
        forget_pixels: the forget set, float (k, c, h, w) in [0, 1], on the job's device.
        steps: of the loop, the start first.
    """

    result: Result
    original: Classifier
    classifier: Classifier
    comparison: Comparison
    forget_pixels: Tensor
    steps: tuple[Step, ...]


class Report(Protocol):
    """The calls that a job makes; by default they do nothing.

    Any of them may raise to end the job, for example if its data cannot be saved.
    """

    def phase(self, name: str) -> None:
        """Receive the name of a phase when it begins."""
        return

    def progress(self, share: float) -> None:
        """Receive the completed share of the phase, 0 to 1."""
        return

    def counted(self, total: int) -> None:
        """Receive the number of look-alikes that this phase makes, before it makes them."""
        return

    def look_alikes(self, pixels: Tensor) -> None:
        """Receive some of the look-alikes on which predictions are held, (n, c, h, w) in [0, 1]."""
        return

    def step(self, step: Step, retain_accuracy: float | None) -> None:
        """Receive a step, with the accuracy on a sample of D_r in percent if it was measured."""
        return

    def snapshot(self, step: int, module: nn.Module) -> None:
        """Receive the network at a snapshot step; its weights change after this returns."""
        return

    def resumed(self) -> Checkpoint | None:
        """Return where an interrupted job goes on, None to start at the first step."""
        return None

    def checkpoint(self, state: Callable[[], Mapping[str, Tensor]]) -> None:
        """Receive a function that returns the state of the loop, after each step with a snapshot."""
        return

    def result(self, outcome: Outcome) -> None:
        """Receive the outcome, also of a job that was cancelled after forgetting had begun."""
        return

    def cancelled(self) -> bool:
        """Return whether to stop; called at every step and at every batch of an attack."""
        return False


class NoReport(Report):
    """Ignores all reports, and never cancels."""
