import itertools
import re
from collections.abc import Callable

import pytest
import torch

from tests.forgetting.tiny import task_with_retained, tiny_task
from unlearn_core.errors import UserError
from unlearn_core.forgetting.goals import Relabel
from unlearn_core.forgetting.loop import ForgettingLoop, is_snapshot_step
from unlearn_core.forgetting.methods.anchor_depth import KEPT_MARGIN
from unlearn_core.forgetting.methods.base import Losses, Task
from unlearn_core.forgetting.registry import load_method, method_entry, methods
from unlearn_core.forgetting.step import Step

FAST = {"learning_rate": 3e-3}
FAST_ATTACK = {"examples": 3, "attack_iterations": 3, "deformed": 6, "depth": 0}


def loop_of(name: str, task: Task, max_steps: int = 200, **options: float) -> ForgettingLoop:
    entry = method_entry(name)
    known = {option.name for option in entry.options}
    given = {key: value for key, value in (FAST | FAST_ATTACK | options).items() if key in known}
    return ForgettingLoop(load_method(entry)(entry.complete(given)), task, max_steps)


def weights_of(task: Task) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in task.module.state_dict().items()}


@pytest.mark.parametrize("name", ["anchor", "adv+imp", "adv", "neggrad", "random-labels"])
def test_it_stops_at_the_first_step_where_all_is_forgotten(name: str) -> None:
    k = (
        1 if name == "neggrad" else 2
    )  # two at once: its unbounded loss chases one and never turns to the other
    task = tiny_task(k)
    loop = loop_of(name, task, 400, settling=0)
    steps = list(loop)
    assert loop.stopped == "forgotten"
    assert [step.forgotten == step.k for step in steps[:-1]] == [False] * (len(steps) - 1)
    assert steps[-1].forgotten == k
    assert steps[-1].forget_accuracy == 0
    assert not (task.module(task.pixels).argmax(1) == task.labels).any()
    assert [step.step for step in steps] == list(range(len(steps)))


def test_a_classifier_that_breaks_is_an_error_and_not_a_success() -> None:
    entry = method_entry("neggrad")
    loop = ForgettingLoop(load_method(entry)(entry.complete({"learning_rate": 1.0})), tiny_task(), 400)
    with pytest.raises(UserError, match="broke at step"):
        list(loop)


@pytest.mark.parametrize(
    ("losses", "sentence"),
    [
        (torch.tensor(1.0), "its losses() returns a Tensor, not Losses"),
        (None, "its losses() returns a NoneType, not Losses"),
        (Losses(torch.ones(3), torch.ones(3)), "the total of its losses is no tensor of one number"),
        (Losses(0.5, 0.5), "the total of its losses is no tensor of one number"),  # type: ignore[arg-type]
    ],
)
def test_losses_that_are_none_are_one_sentence(losses: object, sentence: str) -> None:
    kind = load_method(method_entry("neggrad"))
    odd = type("Odd", (kind,), {"losses": lambda self, task: losses})
    with pytest.raises(UserError, match=re.escape(f"The method Odd is wrong: {sentence}")):
        list(ForgettingLoop(odd(kind.entry.complete({})), tiny_task(), 2))


def test_it_takes_no_step_where_all_is_forgotten_already() -> None:
    task = tiny_task()
    task.goal.labels = (task.labels + 1) % 4  # type: ignore[attr-defined]
    before = weights_of(task)
    loop = loop_of("neggrad", task)
    assert len(list(loop)) == 1
    assert loop.stopped == "forgotten"
    assert all(torch.equal(before[name], tensor) for name, tensor in weights_of(task).items())


def test_it_stops_at_the_limit() -> None:
    loop = loop_of("anchor", tiny_task(), max_steps=1)
    assert [step.step for step in loop] == [0, 1]
    assert loop.stopped == "step limit"


def test_it_can_be_cancelled_while_stepping_and_leaves_whole_steps() -> None:
    task = tiny_task()
    loop = loop_of("anchor", task)
    seen: list[Step] = []
    task.cancelled = lambda: len(seen) == 2
    for step in loop:
        seen.append(step)
    assert loop.stopped == "cancelled"
    assert loop.step == 1
    assert not task.module.training


def test_cancelling_while_preparing_leaves_the_classifier_as_it_was() -> None:
    task = tiny_task()
    before = weights_of(task)
    task.cancelled = lambda: True
    loop = loop_of("adv", task)
    assert list(loop) == []
    assert loop.stopped == "cancelled"
    assert all(torch.equal(before[name], tensor) for name, tensor in weights_of(task).items())


@pytest.mark.parametrize("name", [entry.name for entry in methods() if entry.name != "retrain"])
def test_same_seed_same_weights_bit_for_bit(name: str) -> None:
    tasks = [task_with_retained(), task_with_retained()]
    for task in tasks:
        list(loop_of(name, task, max_steps=5))
    first, second = (weights_of(task) for task in tasks)
    assert all(torch.equal(first[key], second[key]) for key in first)


def test_another_seed_gives_other_weights() -> None:
    tasks = [tiny_task(seed=0), tiny_task(seed=1)]
    for task in tasks:
        list(loop_of("anchor", task, max_steps=3))
    first, second = (weights_of(task) for task in tasks)
    assert any(not torch.equal(first[key], second[key]) for key in first)


def goes_on_exactly(name: str, make: Callable[[], Task], cut: int, **options: float) -> None:
    """Check that six steps and the same ones broken off after `cut` end at the same weights."""
    through = make()
    list(loop_of(name, through, max_steps=6, **options))
    broken_off = loop_of(name, make(), max_steps=cut, **options)
    list(broken_off)
    state = broken_off.state()
    task = make()
    resumed = loop_of(name, task, max_steps=6, **options)
    resumed.prepare()
    resumed.restore(state)
    steps = list(resumed)
    assert steps[0].step == broken_off.step
    expected, got = weights_of(through), weights_of(task)
    assert all(torch.equal(expected[key], got[key]) for key in expected)


@pytest.mark.parametrize("name", [entry.name for entry in methods() if entry.name != "retrain"])
def test_a_resumed_loop_ends_exactly_like_one_that_went_through(name: str) -> None:
    goes_on_exactly(name, task_with_retained, 3)


@pytest.mark.parametrize("name", ["neggrad", "struct-guard"])
def test_dropout_and_turns_go_on_where_they_were(name: str) -> None:
    def make() -> Task:
        made = tiny_task(12)
        made.module = torch.nn.Sequential(*made.module[:4], torch.nn.Dropout(0.5), made.module[4])  # type: ignore[index]
        torch.manual_seed(5)
        return made

    goes_on_exactly(name, make, 2, forget_batch=4, learning_rate=1e-4)


def test_snapshot_steps_are_dense_first_and_thin_out() -> None:
    chosen = list(itertools.compress(itertools.count(), map(is_snapshot_step, range(65))))
    assert chosen == [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64]


def test_the_last_step_is_shortened_to_what_the_goal_needs() -> None:
    """With a step far too long, backing off ends much nearer to the start than the step itself would."""
    entry = method_entry("anchor")
    long_step = FAST_ATTACK | {"learning_rate": 0.1, "settling": 0}
    moved = []
    for backs_off in (True, False):
        task = tiny_task()
        before = weights_of(task)
        method = load_method(entry)(entry.complete(long_step))
        method.backs_off = backs_off
        loop = ForgettingLoop(method, task, 50)
        steps = list(loop)
        assert loop.stopped == "forgotten"
        assert steps[-1].forgotten == steps[-1].k
        assert not (task.module(task.pixels).argmax(1) == task.labels).any()
        after = weights_of(task)
        moved.append(sum((after[name] - before[name]).square().sum().item() for name in before))
    assert moved[0] < moved[1]


def test_settling_brings_the_rest_back_and_keeps_all_forgotten() -> None:
    damage, steps = [], []
    for settling in (0.0, 1.0):
        task = tiny_task(4)
        loop = loop_of("anchor", task, settling=settling)
        steps.append(list(loop))
        damage.append(loop.method.damage(task))
        assert loop.stopped == "forgotten"
        assert steps[-1][-1].forgotten == 4
        assert not (task.module(task.pixels).argmax(1) == task.labels).any()
    at_once, repair_start = steps
    assert [step.step for step in repair_start] == list(range(2 * len(at_once) - 1))
    assert repair_start[: len(at_once)] == at_once
    assert damage[1] < damage[0]


def test_settling_that_only_harms_is_taken_back() -> None:
    at_once = tiny_task(4)
    list(loop_of("anchor", at_once, settling=0))
    task = tiny_task(4)
    loop = loop_of("anchor", task)
    far = loop.method.start_repair_step

    def too_far(optimiser: torch.optim.Optimizer, left: float) -> None:
        far(optimiser, left)
        optimiser.param_groups[0]["lr"] = 0.5

    loop.method.start_repair_step = too_far  # type: ignore[method-assign]
    steps = list(loop)
    assert steps[-1].forgotten == 4
    expected, got = weights_of(at_once), weights_of(task)
    assert all(torch.equal(expected[key], got[key]) for key in expected)


def test_settling_ends_at_the_limit_of_steps() -> None:
    needed = len(list(loop_of("anchor", tiny_task(4), settling=0))) - 1
    loop = loop_of("anchor", tiny_task(4), max_steps=needed + 1)
    assert [step.step for step in loop] == list(range(needed + 2))
    assert loop.stopped == "forgotten"


def test_settling_can_be_broken_off_and_taken_up_again() -> None:
    through = tiny_task(4)
    total = len(list(loop_of("anchor", through))) - 1

    broken_off, seen = loop_of("anchor", tiny_task(4)), 0
    broken_off.task.cancelled = lambda: seen == total - 1
    for seen, _ in enumerate(broken_off, start=1):  # noqa: B007
        pass
    assert broken_off.stopped == "cancelled"
    assert total / 2 < broken_off.step < total

    task = tiny_task(4)
    resumed = loop_of("anchor", task)
    resumed.prepare()
    resumed.restore(broken_off.state())
    assert [step.step for step in resumed] == list(range(broken_off.step, total + 1))
    expected, got = weights_of(through), weights_of(task)
    assert all(torch.equal(expected[key], got[key]) for key in expected)


class Greedy(torch.nn.Module):
    """A classifier that asks for more memory than there is whenever it sees more than `room` pictures."""

    def __init__(self, module: torch.nn.Module, room: int) -> None:
        super().__init__()
        self.module, self.room = module, room

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        torch.empty(2**50 if len(pixels) > self.room else 0)
        return self.module(pixels)


def test_when_memory_runs_out_the_batches_are_halved_and_it_goes_on() -> None:
    task = tiny_task(8, goal=Relabel(torch.ones(8, dtype=torch.int64)))
    task.module = Greedy(task.module, room=5)
    entry = method_entry("random-labels")
    options = {"learning_rate": 1e-2, "forget_batch": 16}
    loop = ForgettingLoop(load_method(entry)(entry.complete(options)), task, 300)
    steps = list(loop)
    assert loop.batch_halvings == 2
    assert loop.method.options["forget_batch"] == 4
    assert steps[-1].forgotten == 8


def test_a_step_that_no_batch_is_small_enough_for_is_one_sentence() -> None:
    task = tiny_task(2)
    task.module = Greedy(task.module, room=0)
    with pytest.raises(UserError, match="not enough memory for a single picture"):
        list(loop_of("neggrad", task))


def test_firm_forgets_views_before_the_repair_phase_and_keeps_a_lead() -> None:
    task = tiny_task(4)
    loop = loop_of("anchor", task, 600, depth=1, learning_rate=0)
    steps, share_at_repair = [], None
    for step in loop:
        steps.append(step)
        if step.repairing and share_at_repair is None:
            share_at_repair = loop.method.state()["forgotten_views"].item()
    assert loop.stopped == "forgotten"
    assert share_at_repair is not None
    assert share_at_repair >= 0.7
    lead = task.goal.margin_loss(task.module(task.pixels), torch.arange(4), KEPT_MARGIN)
    assert lead.max() == 0
    just_enough = tiny_task(4)
    assert len(steps) > len(list(loop_of("anchor", just_enough, 600, learning_rate=0)))


def test_at_the_step_limit_it_is_said_that_the_depth_was_not_reached() -> None:
    whole = loop_of("anchor", tiny_task(4), 600, depth=2, learning_rate=0)
    all_forgotten = next(step.step for step in whole if step.forgotten == step.k)
    assert not whole.too_shallow
    short = loop_of("anchor", tiny_task(4), all_forgotten, depth=2, learning_rate=0)
    assert [step.forgotten for step in short][-1] == 4
    assert short.stopped == "forgotten"
    assert short.too_shallow
