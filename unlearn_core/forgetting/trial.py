"""One step of every method on a new network: what fails on it is not offered for it."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass

from unlearn_core.common.batches import is_out_of_memory
from unlearn_core.common.lazy_torch import Tensor, nn, torch
from unlearn_core.errors import UserError, first_line
from unlearn_core.forgetting.entry import MethodEntry
from unlearn_core.forgetting.goals import Misclassify
from unlearn_core.forgetting.loop import ForgettingLoop
from unlearn_core.forgetting.methods.base import Task
from unlearn_core.forgetting.registry import load_method, methods
from unlearn_core.forgetting.retained import Retained

LONGEST = 60.0
"""Seconds; methods that are not begun by then are offered untried."""

_LONGEST_REASON = 160

_FEW: dict[str, float | int] = {
    "learning_rate": 1e-6,
    "examples": 1,
    "attack_iterations": 1,
    "deformed": 1,
    "adversarial_batch": 1,
    "anchor_batch": 1,
    "retained_batch": 1,
    "noisy_copies": 1,
    # Measuring what matters takes hundreds of pictures, with the calculations of `importance_strength`.
    "sparing": 0,
}
"""Options for a step with as few pictures and as small a change as possible."""


@dataclass(frozen=True)
class Trial:
    """What one step of every method found.

    Attributes:
        failed: the reason by the name of each method that failed.
        untried: names of the methods for which there was no time or memory.
    """

    failed: dict[str, str]
    untried: tuple[str, ...]


def try_methods(module: nn.Module, pixels: Tensor, clock: Callable[[], float] = time.monotonic) -> Trial:
    """Take one step of every method that can be offered, each on a copy, to forget a single picture.

    Args:
        module: in eval mode; it is not changed.
        pixels: (n, c, h, w) in [0, 1]: the picture to forget, and retained ones.
        clock: returns seconds.
    """
    with torch.no_grad():
        labels = module(pixels).argmax(1)
    failed, untried, start = {}, [], clock()
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        for entry in methods():
            if clock() - start > LONGEST:
                untried.append(entry.name)
                continue
            try:
                _take_a_step(entry, module, pixels, labels)
            # The network's code may raise anything.
            except Exception as error:
                if any(is_out_of_memory(one) for one in (error, error.__cause__) if one is not None):
                    # Another run may need it now.
                    untried.append(entry.name)
                else:
                    failed[entry.name] = _reason(error, entry)
    return Trial(failed, tuple(untried))


def _reason(error: Exception, entry: MethodEntry) -> str:
    """Return an error as a sentence that does not name the method, without shapes and hints of torch."""
    if isinstance(error, UserError):
        return str(error).replace(f"{entry.title} works", "It works")
    short = first_line(error).partition(". ")[0].partition(" [")[0].rstrip(": ")[:_LONGEST_REASON]
    return f"A step fails: {short}."


def _take_a_step(entry: MethodEntry, module: nn.Module, pixels: Tensor, labels: Tensor) -> None:
    known = {option.name: option for option in entry.options}
    few = {name: max(value, known[name].low) for name, value in _FEW.items() if name in known}
    method = load_method(entry)(entry.complete(few))
    task = Task(
        module=copy.deepcopy(module).to(memory_format=torch.channels_last),
        pixels=pixels[:1].contiguous(memory_format=torch.channels_last),
        labels=labels[:1],
        goal=Misclassify(labels[:1]),
        generator=torch.Generator().manual_seed(0),
        retained=Retained((pixels[1:] * 255).byte().cpu(), labels[1:].cpu()),
    )
    for _ in ForgettingLoop(method, task, max_steps=1):
        pass
