"""What a method is: something to prepare, a loss and an optimiser. The loop does everything else."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from unlearn_core.common.batches import in_batches
from unlearn_core.common.lazy_torch import Tensor, nn, torch
from unlearn_core.forgetting.entry import MethodEntry
from unlearn_core.forgetting.goals import Goal
from unlearn_core.forgetting.precision import Classify

if TYPE_CHECKING:
    from unlearn_core.catalog.shipped.training import Training
    from unlearn_core.forgetting.retained import Retained


INFERENCE_BATCH = 256


class CancelledError(Exception):
    """The person asked to stop."""


@dataclass
class Task:
    """One forgetting job as a method sees it.

    Attributes:
        module: the classifier that is to forget; methods prepare with it while it is still the original.
        pixels: the forget set, float (k, c, h, w) in [0, 1], on the module's device.
        labels: int64 (k,).
        goal: what counts as forgotten.
        generator: the one source of chance, on the CPU.
        cancelled: tells whether to stop.
        entered: called with the name of each phase as it begins.
        progressed: called with the share of the phase that is done, 0 to 1, where its length is known.
        seconds: time spent in each phase so far.
        retained: pictures to learn from besides the forget set; None where the method gets none.
        reference: the classifier before the first run of a chain; None where this run is the first.
        retrain: sets up a training from scratch on the retained pictures; None where no recipe ships.
        asked: how many instances, the first ones, this run was asked for; the others are those of earlier
            runs of the chain, which are to stay forgotten. None: all.
    """

    module: nn.Module
    pixels: Tensor
    labels: Tensor
    goal: Goal
    generator: torch.Generator
    cancelled: Callable[[], bool] = lambda: False
    entered: Callable[[str], None] = lambda phase: None
    progressed: Callable[[float], None] = lambda share: None
    seconds: dict[str, float] = field(default_factory=dict)
    retained: Retained | None = None
    reference: nn.Module | None = None
    retrain: Callable[[Retained], Training] | None = None
    asked: int | None = None
    _open_phases: list[str] = field(default_factory=list)
    _checks: int = 0
    _checks_in_phase: int = 0

    @cached_property
    def classes(self) -> int:
        """How many classes the classifier tells apart."""
        with torch.no_grad():
            return self.module(self.pixels[:1]).shape[1]

    @property
    def original(self) -> nn.Module:
        """The classifier before anything was forgotten; only while preparing, and not to be changed."""
        return self.module if self.reference is None else self.reference

    def check(self) -> None:
        """Raise `CancelledError` once the person asked to stop; tell how far the phase is."""
        if self.cancelled():
            raise CancelledError
        if self._checks < self._checks_in_phase:
            self.progressed(self._checks / self._checks_in_phase)
            self._checks += 1

    @contextmanager
    def phase(self, name: str, checks: int = 0) -> Iterator[None]:
        """Announce a phase and add the time it takes to `seconds`; a phase inside another is not announced,
        and its time is taken from the outer one's.

        Args:
            name: of the phase.
            checks: about how often `check` will be called in it; 0 where nobody knows.
        """
        if not self._open_phases:
            self.entered(name)
            self._checks, self._checks_in_phase = 0, checks
        self._open_phases.append(name)
        start = time.perf_counter()
        try:
            yield
        finally:
            if self.pixels.is_cuda:
                torch.cuda.synchronize()
            spent = time.perf_counter() - start
            self._open_phases.pop()
            self.seconds[name] = self.seconds.get(name, 0.0) + spent
            if self._open_phases:
                outer = self._open_phases[-1]
                self.seconds[outer] = self.seconds.get(outer, 0.0) - spent


@dataclass
class Losses:
    """The parts of one step's loss. `retain` is None where the method has no retention term."""

    total: Tensor
    forget: Tensor
    retain: Tensor | None = None
    agreement: Tensor | None = None


class Method(ABC):
    """A way to forget. Constructed with the complete options of its registry entry."""

    entry: ClassVar[MethodEntry]
    """What a person picks and tunes; a method that is only given to `unlearn` as an instance needs none."""

    train_mode = False
    """True: BatchNorm uses and updates batch statistics while stepping, as the paper's code does."""

    keeps_earlier = False
    """True: in a chain of runs, the earlier forget sets are part of the task and of its stop rule."""

    backs_off = False
    """True: the step that reaches the goal is shortened to what the goal needs."""

    total_steps: int | None = None
    """A number: take exactly so many steps, whatever was reached before. Known once prepared."""

    def __init__(self, options: dict[str, float | int]) -> None:
        self.options = options

    def prepare(self, task: Task) -> None:  # noqa: B027
        """Make what the loss needs while the classifier is still the original."""

    @abstractmethod
    def optimiser(self, module: nn.Module) -> torch.optim.Optimizer:
        """Return the optimiser of the module's parameters."""

    @abstractmethod
    def losses(self, task: Task) -> Losses:
        """Return the losses of the next step, drawing its batches from the task's generator."""

    def advance(self, task: Task, optimiser: torch.optim.Optimizer) -> Losses:
        """Take one step and return its losses; by default a gradient step on `losses`."""
        losses = self.losses(task)
        optimiser.zero_grad(set_to_none=True)
        losses.total.backward()
        self.adjust_gradients(task.module)
        optimiser.step()
        return losses

    def halve_batches(self) -> bool:
        """Halve the options that give a batch's size, after memory ran out; False where all are 1."""
        sizes = {name: size for name, size in self.options.items() if name.endswith("_batch") and size > 1}
        self.options = self.options | {name: int(size) // 2 for name, size in sizes.items()}
        return bool(sizes)

    def adjust_gradients(self, module: nn.Module) -> None:  # noqa: B027
        """Change the gradients before the optimiser uses them."""

    def adapt(self, step: int, forgotten: Tensor) -> None:  # noqa: B027
        """Adapt to what the last step reached; `forgotten` is bool (k,)."""

    def repair_steps(self, step: int) -> int:
        """Return how many steps to go on after `step`, at which all was forgotten."""
        return 0

    def start_repair_step(self, optimiser: torch.optim.Optimizer, left: float) -> None:  # noqa: B027
        """Make ready for the next of those steps; `left` of them, 1 to above 0, are still to come."""

    def damage(self, task: Task) -> float:
        """Return how far the classifier is from what it should have kept, to choose where to end."""
        return 0.0

    def retention_weight(self) -> float | None:
        """Return the present weight of the retention term, None where there is none."""
        return None

    def state(self) -> dict[str, Tensor]:
        """Return what changes from step to step, for resuming."""
        return {}

    def restore(self, state: dict[str, Tensor]) -> None:  # noqa: B027
        """Take up a state that `state()` returned."""


def logits_of(module: Classify, pixels: Tensor) -> Tensor:
    """Return the logits (n, classes) of any number of pictures, in batches and without gradients."""
    with torch.no_grad():
        return torch.cat(list(in_batches(lambda part: module(pixels[part]), len(pixels), INFERENCE_BATCH)))
