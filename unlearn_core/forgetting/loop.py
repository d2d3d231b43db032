"""The loop of all methods: steps, stop rule, repair phase, cancelling and resuming."""

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from unlearn_core.common.batches import OUT_OF_MEMORY, is_out_of_memory
from unlearn_core.common.load_tensors import load_tensors
from unlearn_core.errors import UserError
from unlearn_core.forgetting.methods.base import CancelledError, Losses, Method, Task, logits_of
from unlearn_core.forgetting.step import MOST_FOLLOWED, Step, Stopped, is_round
from unlearn_core.forgetting.train_mode import in_train_mode

BACK_OFF_HALVINGS = 6
"""Determines the shortest sufficient part of the last step to within 1/64."""


@dataclass
class Settling:
    """The repair phase from step `since` to `until`; `kept`: the last weights with all forgotten."""

    since: int
    until: int
    start: list[Tensor]
    kept: list[Tensor]


class ForgettingLoop:
    """Runs one method on one task until the goal is reached, the step limit is reached or it is cancelled.

    Iterate over it to run it. After all is forgotten a method may have a repair phase. `stopped` is the
    reason of the end. Outputs that are not finite raise `UserError`: they would count as forgotten. In any
    case the task's module is left in eval mode with the weights of the last complete step; cancelling in the
    repair phase adds a step where those do not forget all or are more damaged. A step that runs out of memory
    is repeated with half the batch size; `batch_halvings` counts this. `too_shallow`: all was forgotten at
    the step limit, but not what the method demands more.
    """

    def __init__(self, method: Method, task: Task, max_steps: int) -> None:
        self.method = method
        self.task = task
        self.max_steps = max_steps
        self.step = 0
        self.stopped: Stopped | None = None
        self.too_shallow, self.batch_halvings = False, 0
        self._optimiser: torch.optim.Optimizer | None = None
        self._repair: Settling | None = None

    def prepare(self) -> None:
        """Call the method's `prepare` with the module in eval mode, once; `CancelledError` is passed on."""
        if self._optimiser is not None:
            return
        self.task.module.eval()
        self.method.prepare(self.task)
        with self.task.phase("load"):  # The first optimiser of a process has torch load its compiler.
            self._optimiser = self.method.optimiser(self.task.module)

    def __iter__(self) -> Iterator[Step]:
        """Yield a `Step` for the start and after every optimiser step."""
        try:
            self.prepare()
            reached, step = self._look(None)
            yield step
            total, enough = self.method.total_steps, self._enough(reached)
            while self._repair is None and (
                self.step < total if total else not enough and self.step < self.max_steps
            ):
                self.task.check()
                start = self._weights() if self.method.backs_off else None
                losses = self._advance()
                self.step += 1
                reached, step = self._look(losses)
                enough = self._enough(reached)
                if enough and start is not None:
                    self._back_off(start)
                    _, step = self._look(losses)
                yield step
            if (enough and self.step and not total) or self._repair:
                yield from self._repair_phase()
                reached = True
            elif reached and self.step and not total:
                self.too_shallow = True
            self.stopped = "forgotten" if reached else "step limit"
        except CancelledError:
            if self._repair is not None:
                yield from self._break_off(self._repair)
            self.stopped = "cancelled"
        finally:
            self.task.module.eval()

    def _enough(self, reached: bool) -> bool:
        """Return whether to stop: all have reached the goal, and the method demands no more."""
        return reached and not (self.step and self.method.demands_more(self.task))

    def _repair_phase(self) -> Iterator[Step]:
        """Run the repair phase, and end with the least damaged weights that forget all."""
        assert self._optimiser is not None
        if self._repair is None:
            until = min(self.step + self.method.repair_steps(self.step), self.max_steps)
            self._repair = Settling(self.step, until, self._weights(), self._weights())
        settling = self._repair
        while self.step < settling.until:
            self.task.check()
            left = (settling.until - self.step) / (settling.until - settling.since)
            self.method.start_repair_step(self._optimiser, left)
            losses = self._advance()
            self.step += 1
            forgotten, step = self._look(losses)
            if forgotten and self.method.holds(self.task):
                settling.kept = self._weights()
            if self.step == settling.until:
                self._take_the_better(settling)
                _, step = self._look(losses)
            yield step

    def _break_off(self, settling: Settling) -> Iterator[Step]:
        """End a cancelled repair phase as it would end, which is a further step if the weights differ."""
        now = self._weights()
        self._take_the_better(settling)
        if not all(map(torch.equal, now, self._weights())):
            self.step += 1
            yield self._look(None)[1]

    def _take_the_better(self, settling: Settling) -> None:
        """Set the weights of `start` or `kept`, whichever has less damage."""
        damage = []
        for weights in (settling.start, settling.kept):
            self._set_weights(weights)
            damage.append(self.method.damage(self.task))
        if damage[0] < damage[1]:
            self._set_weights(settling.start)

    @torch.no_grad()
    def _set_weights(self, weights: list[Tensor]) -> None:
        for parameter, values in zip(self.task.module.parameters(), weights, strict=True):
            parameter.copy_(values)

    def _advance(self) -> Losses:
        assert self._optimiser is not None
        while True:
            try:
                with in_train_mode(self.task.module) if self.method.train_mode else nullcontext():
                    return self.method.advance(self.task, self._optimiser)
            except OUT_OF_MEMORY as error:
                if not is_out_of_memory(error):
                    raise
                if not self.method.halve_batches():
                    raise UserError("There is not enough memory for a step with a single picture.") from error
                self.batch_halvings += 1

    def _weights(self) -> list[Tensor]:
        return [parameter.detach().clone() for parameter in self.task.module.parameters()]

    @torch.no_grad()
    def _back_off(self, start: list[Tensor]) -> None:
        """Shorten the last step by bisection as far as the goal allows."""
        parameters = list(self.task.module.parameters())
        end = self._weights()
        low, high = 0.0, 1.0
        for _ in range(BACK_OFF_HALVINGS):
            middle = (low + high) / 2
            _interpolate(parameters, start, end, middle)
            enough = self._forgotten()[1].all() and self.method.holds(self.task)
            low, high = (low, middle) if enough else (middle, high)
        _interpolate(parameters, start, end, high)

    def _forgotten(self) -> tuple[Tensor, Tensor]:
        """Return the logits of the whole forget set and which instances have reached the goal."""
        logits = logits_of(self.task.module, self.task.pixels)
        if not torch.isfinite(logits).all():
            raise UserError(
                f"The classifier broke at step {self.step}: its outputs are no longer numbers. "
                "Try a smaller learning rate or another method."
            )
        return logits, self.task.goal.reached(logits)

    def _look(self, losses: Losses | None) -> tuple[bool, Step]:
        """Check the stop rule on the whole forget set and let the method adapt."""
        logits, forgotten = self._forgotten()
        asked = slice(self.task.asked)
        still_known = (logits.argmax(1) == self.task.labels)[asked].float().mean()
        if losses is not None:
            self.method.adapt(self.step, forgotten)
        k = len(forgotten[asked])
        count = int(forgotten[asked].sum())
        step = Step(
            step=self.step,
            loss=_number(losses.total if losses else None),
            forget_loss=_number(losses.forget if losses else None),
            retain_loss=_number(losses.retain if losses else None),
            forgotten=count,
            k=k,
            forget_accuracy=100 * float(still_known),
            anchor_agreement=_number(losses.agreement if losses else None, 100),
            retention_weight=self.method.retention_weight(),
            repairing=self._repair is not None,
            repair_until=self._repair.until if self._repair else None,
            demanded_share=self.method.demanded_share(),
            **self._followed(logits[asked]),
        )
        return bool(forgotten.all()), step

    def _followed(self, logits: Tensor) -> dict[str, tuple[Any, ...]]:
        """Return the predictions and confidences of a step, from the logits of the run's own instances."""
        shares = logits[:MOST_FOLLOWED].softmax(1)
        top, classes = shares.max(1)
        own = shares.gather(1, self.task.labels[: len(shares), None]).squeeze(1)
        return {
            "predictions": tuple(classes.tolist()),
            "confidences": tuple(round(share, 4) for share in top.tolist()),
            "label_confidences": tuple(round(share, 4) for share in own.tolist()),
        }

    def state(self) -> dict[str, Tensor]:
        """Return the state for resuming, as plain tensors."""
        assert self._optimiser is not None
        state = {f"module.{name}": tensor.clone() for name, tensor in self.task.module.state_dict().items()}
        state |= {f"method.{name}": tensor for name, tensor in self.method.state().items()}
        for index, slots in self._optimiser.state_dict()["state"].items():
            for name, value in slots.items():
                state[f"optimiser.{index}.{name}"] = torch.as_tensor(value).clone()
        state["generator"] = self.task.generator.get_state()
        state["generator_of_dropout"] = _generator_of_dropout(self.task.pixels.device)
        state["step"] = torch.tensor(self.step)
        if self._repair is not None:
            state["settling"] = torch.tensor([self._repair.since, self._repair.until])
            for name, weights in (("start", self._repair.start), ("kept", self._repair.kept)):
                state |= {f"{name}.{index}": tensor for index, tensor in enumerate(weights)}
        return state

    def restore_weights(self, state: dict[str, Tensor]) -> None:
        """Restore steps and weights to end there; of a repair phase the last weights with all forgotten."""
        load_tensors(self.task.module, _under("module.", state))
        self.step = int(state["step"])
        if "settling" in state:
            self._set_weights(_numbered(_under("kept.", state)))

    def restore(self, state: dict[str, Tensor]) -> None:
        """Restore a state from `state()`."""
        assert self._optimiser is not None
        load_tensors(self.task.module, _under("module.", state))
        self.step = int(state["step"])
        self.method.restore(_under("method.", state))
        whole = self._optimiser.state_dict()
        whole["state"] = {}
        for key, value in _under("optimiser.", state).items():
            index, name = key.split(".", 1)
            whole["state"].setdefault(int(index), {})[name] = value
        self._optimiser.load_state_dict(whole)
        self.task.generator.set_state(state["generator"])
        # Checkpoints of earlier versions lack it.
        if "generator_of_dropout" in state:
            _set_generator_of_dropout(self.task.pixels.device, state["generator_of_dropout"])
        if "settling" in state:
            since, until = state["settling"].tolist()
            start, kept = (_numbered(_under(f"{name}.", state)) for name in ("start", "kept"))
            self._repair = Settling(since, until, start, kept)


def _interpolate(
    parameters: list[nn.Parameter], start: list[Tensor], end: list[Tensor], share: float
) -> None:
    for parameter, first, last in zip(parameters, start, end, strict=True):
        parameter.copy_(torch.lerp(first, last, share))


def _under(prefix: str, state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}


def _numbered(tensors: dict[str, Tensor]) -> list[Tensor]:
    """Return tensors whose names are their places; a file has them in the order of text: 0, 1, 10, 2."""
    return [tensors[str(place)] for place in range(len(tensors))]


def _generator_of_dropout(device: torch.device) -> Tensor:
    """Return the state of the generator that layers draw from in train mode."""
    return torch.get_rng_state() if device.type == "cpu" else torch.get_device_module(device).get_rng_state()


def _set_generator_of_dropout(device: torch.device, state: Tensor) -> None:
    if device.type == "cpu":
        torch.set_rng_state(state)
    else:
        torch.get_device_module(device).set_rng_state(state)


def _number(value: Tensor | None, scale: float = 1) -> float | None:
    return None if value is None else scale * value.item()


def is_snapshot_step(step: int) -> bool:
    """Return whether a step has a snapshot: all up to 8, then four per doubling (10, 12, 14, 16, 20…)."""
    return is_round(step, 3)
