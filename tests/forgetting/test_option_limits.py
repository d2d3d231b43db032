"""Every option of every method at both ends of its range, on a tiny network: steps, or one sentence."""

import copy
from contextlib import suppress
from functools import cache

import pytest
import torch
from torch import nn

from tests.forgetting.tiny import options, tiny_classifier, tiny_pictures
from tests.quick import SMALL
from unlearn_core.errors import UserError
from unlearn_core.forgetting.goals import Misclassify
from unlearn_core.forgetting.loop import ForgettingLoop
from unlearn_core.forgetting.methods.base import Task
from unlearn_core.forgetting.registry import load_method, method_entry, methods
from unlearn_core.forgetting.retained import Retained

TOO_LONG = 500
"""So many adversarial examples, copies or iterations are not made here: their low ends are enough."""
MADE = {"examples", "attack_iterations", "deformed", "inversions", "inversion_iterations", "noisy_copies"}
ENDS = [
    (entry.name, option.name, value)
    for entry in methods()
    for option in entry.options
    # Below 0 means that the method chooses: 0 is an end too.
    for value in ((option.low, 0, option.high) if option.low < 0 else (option.low, option.high))
    if option.name not in MADE or value < TOO_LONG
]


@cache
def classifier() -> nn.Module:
    return tiny_classifier()


def task() -> Task:
    pixels, labels = tiny_pictures()
    return Task(
        module=copy.deepcopy(classifier()),
        pixels=pixels[:2],
        labels=labels[:2],
        goal=Misclassify(labels[:2]),
        generator=torch.Generator().manual_seed(0),
        retained=Retained((pixels[2:] * 255).byte(), labels[2:]),
    )


@pytest.mark.parametrize(("name", "option", "value"), ENDS)
def test_an_option_at_an_end_of_its_range_is_no_crash(name: str, option: str, value: float) -> None:
    entry = method_entry(name)
    small = {one.name: SMALL[one.name] for one in entry.options if one.name in SMALL}
    chosen = {"depth": 0, "deformed": 4, "sparing": 0} if name == "anchor" else {}
    method = load_method(entry)(options(name, **(small | chosen | {option: value})))
    loop = ForgettingLoop(method, task(), max_steps=2)
    # Steps of the largest size may break a classifier, which is said.
    with suppress(UserError):
        assert len(list(loop)) > 1
        assert all(parameter.isfinite().all() for parameter in loop.task.module.parameters())


def test_without_the_retained_labels_scrub_would_take_no_step() -> None:
    with pytest.raises(UserError, match="cross_entropy must be a number from"):
        options("scrub", cross_entropy=0)
