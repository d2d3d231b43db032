"""The loop's decisions on a classifier of one weight, which a script moves: every number is known."""

import copy

import pytest
import torch
from torch import Tensor, nn

from unlearn_core.errors import UserError
from unlearn_core.forgetting.goals import Misclassify
from unlearn_core.forgetting.loop import ForgettingLoop
from unlearn_core.forgetting.methods.base import Losses, Method, Task


class OneWeight(nn.Module):
    """A picture of one pixel x is of class 0 as long as the weight is at most x, of class 1 beyond it."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(0.0))

    def forward(self, pixels: Tensor) -> Tensor:
        own = pixels.flatten(1)
        return torch.cat([own, self.weight.expand_as(own)], 1)


class Scripted(Method):
    """Sets the weight to one value after the other."""

    def __init__(self, *places: float, repair: int = 0) -> None:
        super().__init__({})
        self.places, self.repair, self.taken = places, repair, 0
        self.lefts: list[float] = []
        self.modes: list[bool] = []

    def optimiser(self, module: nn.Module) -> torch.optim.Optimizer:
        return torch.optim.SGD(module.parameters(), 0.0)

    def losses(self, task: Task) -> Losses:
        return Losses(torch.zeros(()), torch.zeros(()))

    def advance(self, task: Task, optimiser: torch.optim.Optimizer) -> Losses:
        self.modes.append(task.module.training)
        with torch.no_grad():
            next(task.module.parameters()).fill_(self.places[self.taken])
        self.taken += 1
        return self.losses(task)

    def repair_steps(self, step: int) -> int:
        return self.repair

    def start_repair_step(self, optimiser: torch.optim.Optimizer, left: float) -> None:
        self.lefts.append(left)

    def damage(self, task: Task) -> float:
        return abs(weight(task))


def task_of(*pictures: float, asked: int | None = None) -> Task:
    labels = torch.zeros(len(pictures), dtype=torch.int64)
    pixels = torch.tensor(pictures).view(-1, 1, 1, 1)
    return Task(OneWeight().eval(), pixels, labels, Misclassify(labels), torch.Generator(), asked=asked)


def weight(task: Task) -> float:
    return float(next(task.module.parameters()).detach())


def test_it_stops_once_every_picture_is_forgotten_and_not_before() -> None:
    task = task_of(0.3, 0.8)
    loop = ForgettingLoop(Scripted(0.2, 0.5, 0.9, 1.0), task, 10)
    assert [(step.forgotten, step.forget_accuracy) for step in loop] == [(0, 100), (0, 100), (1, 50), (2, 0)]
    assert loop.stopped == "forgotten"
    assert weight(task) == pytest.approx(0.9)


@pytest.mark.parametrize(("pictures", "counts"), [((0.3, 0.8), [0, 1, 1]), ((0.8, 0.3), [0, 0, 1])])
def test_earlier_forget_sets_are_part_of_the_stop_rule_and_not_of_the_count(
    pictures: tuple[float, float], counts: list[int]
) -> None:
    loop = ForgettingLoop(Scripted(0.5, 0.9, 1.0), task_of(*pictures, asked=1), 10)
    steps = list(loop)
    assert [(step.forgotten, step.k) for step in steps] == [(count, 1) for count in counts]
    assert [step.forget_accuracy for step in steps] == [100 * (1 - count) for count in counts]


def test_the_last_step_is_shortened_to_a_64th_of_itself() -> None:
    task = task_of(0.3)
    method = Scripted(0.1, 1.1)
    method.backs_off = True
    steps = list(ForgettingLoop(method, task, 10))
    # From 0.1 to 1.1: 12/64 lead to 0.2875, 13/64 to 0.303125, the first that is beyond 0.3.
    assert weight(task) == pytest.approx(0.1 + 13 / 64)
    assert steps[-1].forgotten == 1


def test_repair_ends_with_the_last_weights_that_forget_all() -> None:
    task = task_of(0.3)
    method = Scripted(0.8, 0.5, 0.4, 0.1, repair=3)
    loop = ForgettingLoop(method, task, 10)
    assert [step.forgotten for step in loop] == [0, 1, 1, 1, 1]
    assert loop.stopped == "forgotten"
    assert weight(task) == pytest.approx(0.4)
    assert method.lefts == pytest.approx([1, 2 / 3, 1 / 3])


def test_repair_that_did_more_damage_is_taken_back() -> None:
    task = task_of(0.3)
    list(ForgettingLoop(Scripted(0.5, 0.8, 0.9, repair=2), task, 10))
    assert weight(task) == pytest.approx(0.5)


def test_repair_keeps_to_the_limit_of_steps() -> None:
    method = Scripted(0.8, 0.6, 0.5, repair=5)
    assert len(list(ForgettingLoop(method, task_of(0.3), 3))) == 4
    assert method.lefts == [1, 0.5]


def test_a_repair_that_is_taken_up_after_a_relapse_still_counts_as_forgotten() -> None:
    broken_off = ForgettingLoop(Scripted(0.8, 0.5, 0.1, 0.2, repair=3), task_of(0.3), 10)
    steps = iter(broken_off)
    assert [next(steps).forgotten for _ in range(4)] == [0, 1, 1, 0]
    state = copy.deepcopy(broken_off.state())
    method, task = Scripted(0.2, repair=3), task_of(0.3)
    resumed = ForgettingLoop(method, task, 10)
    resumed.prepare()
    resumed.restore(state)
    assert [step.step for step in resumed] == [3, 4]
    assert method.lefts == pytest.approx([1 / 3])
    assert resumed.stopped == "forgotten"
    assert weight(task) == pytest.approx(0.5)
    ended = ForgettingLoop(Scripted(), task_of(0.3), 10)
    ended.restore_weights(state)
    assert ended.step == 3
    assert weight(ended.task) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("places", "looked_at", "counts", "end"),
    [
        ((0.8, 0.5, 0.1), 4, [0, 1, 1, 0, 1], 0.5),  # The last weights recognise the picture again.
        ((0.8, 0.5), 3, [0, 1, 1], 0.5),  # They are the least damaged ones.
        ((0.5, 0.8), 3, [0, 1, 1, 1], 0.5),  # Those at the start of the repair phase were.
    ],
)
def test_cancelling_a_repair_leaves_the_least_damaged_weights_that_forget_all(
    places: tuple[float, ...], looked_at: int, counts: list[int], end: float
) -> None:
    task = task_of(0.3)
    seen: list[tuple[int, int]] = []
    task.cancelled = lambda: len(seen) == looked_at
    loop = ForgettingLoop(Scripted(*places, repair=5), task, 10)
    for step in loop:
        seen.append((step.step, step.forgotten))
    assert seen == list(enumerate(counts))
    assert (loop.stopped, loop.step) == ("cancelled", len(counts) - 1)
    assert weight(task) == pytest.approx(end)


@pytest.mark.parametrize("mode", [True, False])
def test_a_step_is_taken_in_the_mode_of_the_method(mode: bool) -> None:
    task, method = task_of(0.3), Scripted(0.1, 0.5)
    method.train_mode = mode
    list(ForgettingLoop(method, task, 10))
    assert method.modes == [mode, mode]
    assert not task.module.training


def test_one_output_that_is_no_number_is_a_broken_classifier() -> None:
    with pytest.raises(UserError, match="broke at step 1"):
        # Of the picture's two logits only the weight's breaks.
        list(ForgettingLoop(Scripted(float("inf")), task_of(0.3), 10))
