"""The base class of unlearning methods: preparation, loss and optimiser. The loop does everything else."""

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
from unlearn_core.errors import UserError
from unlearn_core.forgetting.entry import MethodEntry
from unlearn_core.forgetting.goals import Goal
from unlearn_core.forgetting.precision import Classify

if TYPE_CHECKING:
    from unlearn_core.catalog.shipped.training import Training
    from unlearn_core.forgetting.retained import Retained


INFERENCE_BATCH = 256


class CancelledError(Exception):
    """The run was cancelled."""


@dataclass
class Task:
    """The part of a job that a method works on.

    Attributes:
        module: the network to train; during `prepare` it is still the original.
        pixels: the forget set, float (k, c, h, w) in [0, 1], on the module's device.
        labels: int64 (k,).
        goal: of the request.
        generator: the only source of randomness, on the CPU.
        cancelled: returns whether to stop.
        entered: called with the name of each phase as it begins.
        progressed: called with the completed share of the phase, 0 to 1, if its length is known.
        counted: called with the number of look-alikes that the phase makes, before it makes them.
        showed: called with some of the look-alikes, (n, c, h, w) in [0, 1].
        seconds: time spent in each phase so far.
        retained: pictures to train on besides the forget set, or None.
        reference: the classifier before the first run of a chain; None if this run is the first.
        retrain: creates a training from scratch on the retained pictures; None without a recipe.
        asked: the number of instances of this run, which come first; the others belong to earlier runs of
            the chain and should stay forgotten. None: all.
    """

    module: nn.Module
    pixels: Tensor
    labels: Tensor
    goal: Goal
    generator: torch.Generator
    cancelled: Callable[[], bool] = lambda: False
    entered: Callable[[str], None] = lambda phase: None
    progressed: Callable[[float], None] = lambda share: None
    counted: Callable[[int], None] = lambda total: None
    showed: Callable[[Tensor], None] = lambda pixels: None
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
        """The number of classes."""
        with torch.no_grad():
            return self.module(self.pixels[:1]).shape[1]

    @property
    def original(self) -> nn.Module:
        """The classifier before anything was forgotten; only valid during `prepare`, and read-only."""
        return self.module if self.reference is None else self.reference

    def check(self) -> None:
        """Raise `CancelledError` if the run is cancelled; report the progress of the phase."""
        if self.cancelled():
            raise CancelledError
        if self._checks < self._checks_in_phase:
            self.progressed(self._checks / self._checks_in_phase)
            self._checks += 1

    @contextmanager
    def phase(self, name: str, checks: int = 0) -> Iterator[None]:
        """Report a phase and add its time to `seconds`; a nested phase is not reported, and its time is
        subtracted from the outer one.

        Args:
            name: of the phase.
            checks: approximate number of calls of `check` in it; 0 if unknown.
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
    """The parts of one step's loss. `retain` is None without a retention term."""

    total: Tensor
    forget: Tensor
    retain: Tensor | None = None
    agreement: Tensor | None = None


class Method(ABC):
    """An unlearning method, constructed with the complete options of its entry."""

    entry: ClassVar[MethodEntry]
    """Name, summary and options; not needed by a method that is only passed to `unlearn` as an instance."""

    train_mode = False
    """Whether steps use train mode: BatchNorm uses and updates batch statistics, as in the paper's code."""

    keeps_earlier = False
    """Whether the earlier forget sets of a chain of runs are part of the task and its stop rule."""

    resumable = True
    """Whether `state` holds all that is needed to go on; a method without it starts anew."""

    prepares_ahead = False
    """Whether `prepare` may take place before the run: it draws from the task's generator alone."""

    backs_off = False
    """Whether the step that reaches the goal is shortened as far as the goal allows."""

    total_steps: int | None = None
    """The exact number of steps, set by `prepare`; None: until the goal is reached."""

    def __init__(self, options: dict[str, float | int]) -> None:
        self.options = options

    def prepare(self, task: Task) -> None:  # noqa: B027
        """Prepare the loss while the classifier is still the original."""

    @abstractmethod
    def optimiser(self, module: nn.Module) -> torch.optim.Optimizer:
        """Return the optimiser of the module's parameters."""

    @abstractmethod
    def losses(self, task: Task) -> Losses:
        """Return the losses of the next step, drawing its batches from the task's generator."""

    def advance(self, task: Task, optimiser: torch.optim.Optimizer) -> Losses:
        """Take one step and return its losses; by default a gradient step on `losses`."""
        losses = self.losses(task)
        self._check(losses)
        optimiser.zero_grad(set_to_none=True)
        losses.total.backward()
        self.adjust_gradients(task.module)
        optimiser.step()
        return losses

    def _check(self, losses: object) -> None:
        """Raise `UserError` for losses of a method of another package that are none."""
        name = type(self).__name__
        if not isinstance(losses, Losses):
            kind = type(losses).__name__
            raise UserError(f"The method {name} is wrong: its losses() returns a {kind}, not Losses.")
        if not isinstance(losses.total, torch.Tensor) or losses.total.ndim:
            raise UserError(
                f"The method {name} is wrong: the total of its losses is no tensor of one number."
            )

    def halve_batches(self) -> bool:
        """Halve the batch size options after memory ran out; return False if all are 1."""
        sizes = {name: size for name, size in self.options.items() if name.endswith("_batch") and size > 1}
        self.options = self.options | {name: int(size) // 2 for name, size in sizes.items()}
        return bool(sizes)

    def adjust_gradients(self, module: nn.Module) -> None:  # noqa: B027
        """Change the gradients before the optimiser uses them."""

    def adapt(self, step: int, forgotten: Tensor) -> None:  # noqa: B027
        """Adapt to the result of the last step; `forgotten` is bool (k,)."""

    def demands_more(self, task: Task) -> bool:
        """Return whether to go on although the whole forget set has reached the goal."""
        return False

    def demanded_share(self) -> float | None:
        """Return how much is reached of what is demanded beyond that, 0 to 1; None if nothing is."""
        return None

    def holds(self, task: Task) -> bool:
        """Return whether the module's weights, with which all is forgotten, may be kept.

        The repair phase asks, and where the last step is shortened.
        """
        return True

    def repair_steps(self, step: int) -> int:
        """Return the length of the repair phase after `step`, at which all was forgotten."""
        return 0

    def start_repair_step(self, optimiser: torch.optim.Optimizer, left: float) -> None:  # noqa: B027
        """Prepare the next step of the repair phase; `left` is its remaining share, from 1 to above 0."""

    def damage(self, task: Task) -> float:
        """Return the deviation from the retained outputs, to choose the final weights of the repair phase."""
        return 0.0

    def retention_weight(self) -> float | None:
        """Return the current weight of the retention term, None without one."""
        return None

    def state(self) -> dict[str, Tensor]:
        """Return the state for resuming."""
        return {}

    def restore(self, state: dict[str, Tensor]) -> None:  # noqa: B027
        """Restore a state from `state()`."""


def logits_of(module: Classify, pixels: Tensor) -> Tensor:
    """Return the logits (n, classes) of any number of pictures, in batches and without gradients."""
    with torch.no_grad():
        return torch.cat(list(in_batches(lambda part: module(pixels[part]), len(pixels), INFERENCE_BATCH)))
