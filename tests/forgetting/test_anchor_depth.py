"""What the depths firm and deep of anchor demand beyond the forget set."""

import pytest
import torch

from tests.forgetting.tiny import moved_anchor, tiny_task
from unlearn_core.forgetting.depths import DEPTHS, default_depth
from unlearn_core.forgetting.goals import Misclassify
from unlearn_core.forgetting.methods.anchor import MORE_RETENTION, Anchor
from unlearn_core.forgetting.methods.base import Task
from unlearn_core.measuring.depth import rounded


@pytest.mark.parametrize("depth", [1, 2])
def test_firm_and_deep_go_on_until_enough_views_are_forgotten_and_further_where_it_costs_little(
    depth: int,
) -> None:
    method, task = moved_anchor(depth=depth)
    forget_with_any_weights(task)
    share = DEPTHS[depth].views
    for cost, steps, wanted in ((1.7, 49, share), (1.6, 49, 0.9), (1.6, 50, share)):
        for forgotten in (0.0, wanted - 0.01, wanted):
            take_up(method, forgotten_views=forgotten, retention_cost=cost, depth_steps=steps, enough_at=10)
            assert method.demands_more(task) == (forgotten < wanted)
    assert not moved_anchor()[0].demands_more(task)


def take_up(method: Anchor, **numbers: float) -> None:
    """Restore a state with these numbers."""
    state = {"weight": 1.0, **numbers}
    method.restore({name: torch.tensor(value, dtype=torch.float64) for name, value in state.items()})


def forget_with_any_weights(task: Task) -> None:
    """Let the classifier predict a class that is no label by its last bias alone, which is not rounded."""
    with torch.no_grad():
        *_, bias = task.module.parameters()
        bias[min(set(range(len(bias))) - set(task.labels.tolist()))] += 1e4
    assert task.goal.reached(task.module(task.pixels)).all()


def test_firm_demands_that_the_instances_are_forgotten_with_weights_of_four_bits() -> None:
    method, task = moved_anchor(depth=1)
    assert method._demands is not None
    take_up(method, forgotten_views=1.0, retention_cost=0.0, depth_steps=9, enough_at=9)
    near = rounded(task.module, 4)
    torch.testing.assert_close(method._demands.rounded(task.module)(task.pixels), near(task.pixels))
    # The goal that rounding undoes: what is predicted with the weights, but not with the rounded ones.
    logits = task.module(task.pixels)
    for labels in (near(task.pixels).argmax(1), logits.argmin(1)):
        task.goal = Misclassify(labels)
        known = bool((near(task.pixels).argmax(1) == labels).any())
        assert method.demands_more(task) == known
        assert method.holds(task) != known


def test_gradients_pass_the_rounding_unchanged() -> None:
    method, task = moved_anchor(depth=1)
    assert method._demands is not None
    near = rounded(task.module, 4)
    task.module.zero_grad()
    method._demands.rounded(task.module)(task.pixels).square().sum().backward()
    near(task.pixels).square().sum().backward()
    for weight, other in zip(task.module.parameters(), near.parameters(), strict=True):
        torch.testing.assert_close(weight.grad, other.grad)


def test_views_are_part_of_the_forget_loss_and_counted() -> None:
    method, task = moved_anchor(depth=1)
    demands = method._demands
    assert demands is not None
    demands._forgotten = 0.5
    state = task.generator.get_state()
    losses = method.losses(task)
    task.generator.set_state(state)
    views, viewed = demands.draw_views(task, torch.arange(2))
    task.generator.set_state(state)
    assert viewed.tolist().count(0) == viewed.tolist().count(1) == 8
    logits = task.module(views)
    own = task.goal.margin_loss(task.module(task.pixels), torch.arange(2), 0.3).mean()
    coarse = task.goal.margin_loss(rounded(task.module, 4)(task.pixels), torch.arange(2), 0.2).mean()
    theirs = task.goal.margin_loss(logits, viewed, 0.2).mean()
    assert losses.forget.item() == pytest.approx((own + theirs + 0.3 * coarse).item(), rel=1e-4)
    gone = (logits.argmax(1) != task.labels[viewed]).float().mean().item()
    assert demands._forgotten == pytest.approx(0.8 * 0.5 + 0.2 * gone)


def test_with_views_more_anchors_are_held_more_strongly_and_the_cost_is_noted() -> None:
    method, task = moved_anchor(depth=1)
    plain, _ = moved_anchor(depth=0)
    # Two instances: an eighth of the excess over 1.
    assert method.retention_weight() == pytest.approx(1.25 * (plain.retention_weight() or 0))
    firm, few = (moved_anchor(depth=depth, anchor_batch=0, deformed=-1)[0] for depth in (1, 0))
    assert firm.options["anchor_batch"] == 1.25 * few.options["anchor_batch"]
    assert len(firm._anchors) > 1.36 * len(few._anchors)
    for count, times in ((4, 1.5), (16, 3.0), (64, 3.0)):
        assert firm._times(MORE_RETENTION, task.pixels[:1].expand(count, -1, -1, -1)) == times
        assert few._times(MORE_RETENTION, task.pixels[:1].expand(count, -1, -1, -1)) == 1
    (anchors,) = method._anchors.batches(8192)
    change = (task.module(anchors) - tiny_task().module(anchors)).square().sum(1)
    losses = method.losses(task)
    assert losses.retain is not None
    assert change.min() < losses.retain < change.max()
    assert method._demands is not None
    assert method._demands._cost == pytest.approx(0.1 * losses.retain.item())


def test_without_a_choice_a_few_small_grey_pictures_are_forgotten_firmly_and_others_just_enough() -> None:
    assert DEPTHS[default_depth(28, 1, 16)].name == "firm"
    assert DEPTHS[default_depth(28, 1, 17)].name == "just-enough"
    assert DEPTHS[default_depth(32, 3, 16)].name == "just-enough"
    assert DEPTHS[default_depth(224, 1, 1)].name == "just-enough"
    chosen, firm, just_enough = (moved_anchor(depth=depth)[0] for depth in (-1, 1, 0))
    assert len(chosen._anchors) == len(firm._anchors)
    assert chosen._demands is not None
    assert just_enough._demands is None
