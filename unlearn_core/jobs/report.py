"""What a job tells while it runs, and what it ends with."""

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor, nn

from unlearn_core.artifacts.predictions import Comparison
from unlearn_core.artifacts.results import Result
from unlearn_core.catalog.classifiers import Classifier
from unlearn_core.forgetting.step import Step


@dataclass(frozen=True)
class Outcome:
    """What came of a job.

    Attributes:
        result: the numbers; without a run's id until a store keeps it.
        original: the classifier before, on the job's device.
        classifier: the classifier after, on the job's device.
        comparison: what both say of every measured picture.
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
    """What a job calls; a method that is not overridden ignores what it is told.

    Any of them may raise to end the job, such as when what it is told cannot be kept.
    """

    def phase(self, name: str) -> None:
        """Take the name of a phase as it begins."""
        return

    def progress(self, share: float) -> None:
        """Take the share of the phase that is done, 0 to 1."""
        return

    def step(self, step: Step, retain_accuracy: float | None) -> None:
        """Take a step, and the accuracy on a sample of D_r in percent at those where it was measured."""
        return

    def snapshot(self, step: int, module: nn.Module) -> None:
        """Take the classifier as it is at some steps; its weights change when this returns."""
        return

    def result(self, outcome: Outcome) -> None:
        """Take what came of the job, also of one that was cancelled once forgetting had begun."""
        return

    def cancelled(self) -> bool:
        """Tell whether to stop: asked at every step and at every batch of an attack."""
        return False


class NoReport(Report):
    """Tells nobody, and is never cancelled."""
