import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tests.forgetting.tiny import moved_anchor, options, tiny_task
from unlearn_core.common.budget import SMALL
from unlearn_core.errors import UserError
from unlearn_core.forgetting.adversarial import row_norms
from unlearn_core.forgetting.entry import Option
from unlearn_core.forgetting.goals import Relabel
from unlearn_core.forgetting.importance import ImportancePenalty, batch_importance, mas_importance
from unlearn_core.forgetting.methods.adv import Adv
from unlearn_core.forgetting.methods.anchor import Anchor
from unlearn_core.forgetting.methods.anchor_step_size import first_order_rate
from unlearn_core.forgetting.registry import load_method, method_entry, methods
from unlearn_core.forgetting.relatives import shifted, shifts


def test_the_papers_defaults() -> None:
    chosen = options("adv+imp")
    assert chosen["learning_rate"] == 1e-3
    assert (chosen["radius"], chosen["examples"]) == (4.0, 20)
    assert (chosen["attack_iterations"], chosen["attack_step"]) == (100, 0.1)
    assert (chosen["adversarial_batch"], chosen["forget_batch"]) == (256, 32)
    assert chosen["importance_strength"] == 1.0


def test_paper_methods_use_their_optimiser_and_train_mode() -> None:
    task = tiny_task()
    for name in ("neggrad", "adv", "adv+imp"):
        method = load_method(method_entry(name))(options(name))
        group = method.optimiser(task.module).param_groups[0]
        assert (group["lr"], group["momentum"], group["weight_decay"]) == (1e-3, 0.9, 1e-4)
        assert method.train_mode


def test_adv_weighs_both_parts_by_their_share_of_the_batch() -> None:
    task = tiny_task(k=2)
    method = Adv(options("adv", examples=3, attack_iterations=2))
    method.prepare(task)
    losses = method.losses(task)
    logits = task.module(method._examples.take(torch.arange(len(method._examples))))
    expected_retain = F.cross_entropy(logits, method._targets)
    expected_forget = -F.cross_entropy(task.module(task.pixels), task.labels)
    assert losses.retain is not None
    assert torch.allclose(losses.retain, expected_retain)
    assert torch.allclose(losses.total, expected_forget * 2 / 8 + expected_retain * 6 / 8)


def test_importance_adds_nothing_at_the_start() -> None:
    plain, held = tiny_task(), tiny_task()
    adv = load_method(method_entry("adv"))(options("adv", examples=3, attack_iterations=2))
    both = load_method(method_entry("adv+imp"))(options("adv+imp", examples=3, attack_iterations=2))
    adv.prepare(plain)
    both.prepare(held)
    assert torch.allclose(adv.losses(plain).total, both.losses(held).total)


@pytest.mark.parametrize("bfloat16", [0, 1])
def test_anchor_starts_without_retention_loss_and_with_full_agreement(bfloat16: int) -> None:
    task = tiny_task()
    method = Anchor(options("anchor", examples=8, bfloat16=bfloat16))
    method.prepare(task)
    losses = method.losses(task)
    assert losses.retain is not None
    assert losses.retain.item() < 1e-10
    assert losses.agreement is not None
    assert losses.agreement.item() == 1


def test_anchors_lie_within_the_radius_or_are_shifted_copies() -> None:
    task = tiny_task()
    method = Anchor(options("anchor", examples=8, radius=0.5, deformed=8, inversions=4))
    method.prepare(task)
    ends, on_the_way, _, _, copies, inverted = method._anchors.batches(8)
    assert len(inverted) == 4
    assert copies.min() >= 0
    assert copies.max() <= 1
    assert (row_norms(copies - task.pixels.repeat(4, 1, 1, 1)) > 0).all()
    centres = task.pixels.repeat_interleave(4, 0)
    assert row_norms(ends - centres).max() <= 0.5 + 1e-5
    assert (row_norms(on_the_way - centres) <= row_norms(ends - centres) + 1e-6).all()


@pytest.mark.parametrize("name", ["anchor", "adv"])
def test_the_attack_tells_how_far_it_is(name: str) -> None:
    task = tiny_task()
    phases: dict[str, list[float]] = {}
    task.entered = lambda phase: phases.setdefault(phase, [])  # type: ignore[assignment]
    task.progressed = lambda share: list(phases.values())[-1].append(share)
    given = {"examples": 8, "attack_iterations": 3} | ({"inversions": 4} if name == "anchor" else {})
    method = load_method(method_entry(name))(options(name, **given))
    method.prepare(task)
    for shares in phases.values():
        assert shares == sorted(shares)
        assert shares[0] == 0
    assert len(phases["attack"]) == (3 + 20 if name == "anchor" else 3)


def test_anchor_lowers_its_retention_weight_every_five_steps() -> None:
    method = Anchor(options("anchor", examples=8, retention=10.0, depth=0))
    method.prepare(tiny_task())
    for step in range(1, 11):
        method.adapt(step, torch.zeros(2, dtype=torch.bool))
    assert method.retention_weight() == pytest.approx(8.1)


@pytest.mark.parametrize(
    ("instances", "relabel", "anchors"),
    [(1, False, 4), (2, False, 4), (3, False, 6), (4, False, 8), (1, True, 8)],
)
def test_few_large_pictures_have_fewer_anchors_in_a_step(instances: int, relabel: bool, anchors: int) -> None:
    new_labels = torch.ones(instances, dtype=torch.long)
    task = tiny_task(instances, goal=Relabel(new_labels) if relabel else None)
    task.pixels = F.interpolate(task.pixels, SMALL + 4)
    task.module = nn.Sequential(nn.AdaptiveAvgPool2d(4), task.module)
    method = Anchor(options("anchor", depth=0))
    method.prepare(task)
    assert method.options["anchor_batch"] == anchors


def test_shifting_keeps_a_flat_picture_flat() -> None:
    flat = torch.full((5, 1, 6, 6), 0.3)
    assert torch.allclose(shifted(flat, shifts(5, torch.Generator().manual_seed(0))), flat, atol=1e-6)


def test_unknown_method_and_option_are_named() -> None:
    with pytest.raises(UserError, match="no method magic; available: anchor"):
        method_entry("magic")
    with pytest.raises(UserError, match="neggrad has no option radius"):
        options("neggrad", radius=1.0)


@pytest.mark.parametrize("value", [0, 1.5, float("nan"), float("inf")])
def test_options_out_of_range_are_refused(value: float) -> None:
    with pytest.raises(UserError, match="must be a whole number from 1 to 9"):
        Option("count", 3, 1, 9, "").check(value)


@pytest.mark.parametrize("entry", methods(), ids=lambda entry: entry.name)
def test_every_entry_is_complete(entry) -> None:  # type: ignore[no-untyped-def]
    assert entry.summary.endswith(".")
    assert entry.complete({}) == {option.name: option.default for option in entry.options}
    for option in entry.options:
        assert option.check(option.default) == option.default


def test_anchor_chooses_steps_of_which_five_lead_to_the_goal_to_first_order() -> None:
    task = tiny_task()
    logits = task.module(task.pixels)
    loss = task.goal.margin_loss(logits, torch.arange(2), 1.0).mean()
    gradients = torch.autograd.grad(loss, list(task.module.parameters()))
    predicted = loss.item() / (5 * sum(gradient.abs().sum().item() for gradient in gradients))
    assert first_order_rate(task, torch.ones(2)) == pytest.approx(predicted)
    assert all(parameter.grad is None for parameter in task.module.parameters())


def test_anchor_asks_a_smaller_margin_of_what_earlier_runs_forgot() -> None:
    task = tiny_task(3)
    task.asked = 1
    method = Anchor(options("anchor", examples=4, attack_iterations=2, margin=2.0, bfloat16=0, depth=0))
    method.prepare(task)
    logits = task.module(task.pixels)
    by_hand = task.goal.margin_loss(logits, torch.arange(3), torch.tensor([2.0, 0.4, 0.4])).mean()
    assert method.losses(task).forget.item() == pytest.approx(by_hand.item(), rel=1e-5)


def test_anchor_holds_logits_by_their_squared_difference_summed_over_the_classes() -> None:
    method, task = moved_anchor(retention=3.0)
    (anchors,) = method._anchors.batches(4096)
    now, at_first = task.module(anchors), tiny_task().module(anchors)
    by_hand = ((now - at_first) ** 2).sum().item() / len(anchors)
    losses = method.losses(task)
    assert losses.retain is not None
    assert by_hand > 0.01
    assert losses.retain.item() == pytest.approx(by_hand, rel=1e-4)
    assert method.damage(task) == pytest.approx(by_hand, rel=1e-4)
    assert losses.total.item() == pytest.approx(losses.forget.item() + 3 * by_hand, rel=1e-4)


def test_anchor_can_hold_what_does_not_matter_to_the_forget_set() -> None:
    method, task = moved_anchor(importance_strength=2.0)
    losses = method.losses(task)
    module = tiny_task().module
    penalty = ImportancePenalty(module, mas_importance(module, task.pixels), 2.0)(task.module)
    assert losses.retain is not None
    assert penalty > 0.01
    assert torch.allclose(losses.total, losses.forget + 0.5 * losses.retain + penalty)


def test_anchor_repairs_with_a_smaller_margin_falling_steps_and_a_retention_weight_that_stays() -> None:
    method, task = moved_anchor(retention=10.0, margin=2.0, learning_rate=0.01)
    optimiser = method.optimiser(task.module)
    for step in range(1, 5):
        method.adapt(step, torch.zeros(2, dtype=torch.bool))
    assert method.retention_weight() == 10
    method.adapt(5, torch.ones(2, dtype=torch.bool))
    assert method.retention_weight() == 9
    assert method.repair_steps(10) == 5
    for left in (1.0, 0.25):
        method.start_repair_step(optimiser, left)
        assert optimiser.param_groups[0]["lr"] == pytest.approx(0.005 * left)
        assert method._margins.tolist() == pytest.approx([0.4, 0.4])
    method.adapt(10, torch.ones(2, dtype=torch.bool))
    assert method.retention_weight() == 9


@pytest.mark.parametrize(("k", "repair_steps"), [(16, [5, 5, 8]), (17, [2, 7, 14])])
def test_anchor_repairs_few_instances_in_fewer_steps(k: int, repair_steps: list[int]) -> None:
    method = load_method(method_entry("anchor"))(options("anchor"))
    method.prepare(tiny_task(k))
    assert [method.repair_steps(step) for step in (3, 10, 20)] == repair_steps


def test_imp_holds_the_weights_once_they_move() -> None:
    adv, both = (
        load_method(method_entry(name))(options(name, examples=3, attack_iterations=2))
        for name in ("adv", "adv+imp")
    )
    tasks = tiny_task(), tiny_task()
    adv.prepare(tasks[0])
    both.prepare(tasks[1])
    importance = batch_importance(tasks[1].module, tasks[1].pixels, 32)
    penalty = ImportancePenalty(tasks[1].module, importance, 1.0)
    with torch.no_grad():
        for task in tasks:
            next(task.module.parameters()).add_(0.1)
    assert penalty(tasks[1].module) > 0.01
    assert torch.allclose(both.losses(tasks[1]).total, adv.losses(tasks[0]).total + penalty(tasks[1].module))


def test_adv_attacks_toward_the_labels_that_it_learns() -> None:
    task = tiny_task(4)
    method = Adv(options("adv", examples=8, radius=4.0, attack_iterations=20))
    method.prepare(task)
    seen = task.module(method._examples.take(torch.arange(len(method._examples)))).argmax(1)
    assert (seen == method._targets).float().mean() > 0.9
