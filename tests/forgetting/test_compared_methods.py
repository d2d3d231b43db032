"""The methods that users compare with: one worked answer or known direction each."""

import math
from itertools import product

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.forgetting.tiny import (
    CLASSES,
    Ramps,
    last_weight,
    linear_task,
    options,
    run,
    task_with_retained,
    tiny_classifier,
    tiny_pictures,
    tiny_task,
)
from unlearn_core.catalog.shipped.training import Cycle, Recipe, Training
from unlearn_core.errors import UserError
from unlearn_core.forgetting.goals import Misclassify, Relabel
from unlearn_core.forgetting.methods.amun import Amun
from unlearn_core.forgetting.methods.base import Task
from unlearn_core.forgetting.methods.boundary_shrink import BoundaryShrink
from unlearn_core.forgetting.methods.fine_tune import FineTune
from unlearn_core.forgetting.methods.jit import JiT
from unlearn_core.forgetting.methods.mu_mis import MuMis
from unlearn_core.forgetting.methods.npo import Npo
from unlearn_core.forgetting.methods.retrain import Retrain
from unlearn_core.forgetting.methods.salun import SalUn
from unlearn_core.forgetting.methods.scrub import Scrub
from unlearn_core.forgetting.methods.ssd import Ssd, squared_gradients
from unlearn_core.forgetting.registry import load_method, method_entry


@pytest.mark.parametrize("name", ["random-labels", "npo", "boundary-shrink", "delete"])
def test_it_forgets_without_retained_pictures(name: str) -> None:
    loop = run(load_method(method_entry(name))(options(name, learning_rate=0.01)), tiny_task(k=1))
    assert loop.stopped == "forgotten"


@pytest.mark.parametrize("name", ["random-labels", "salun", "ssd"])
def test_it_forgets_and_keeps_most_of_the_rest(name: str) -> None:
    task = task_with_retained()
    loop = run(load_method(method_entry(name))(options(name)), task)
    assert loop.stopped == "forgotten"
    pixels, labels = tiny_pictures()
    assert (task.module(pixels[2:]).argmax(1) == labels[2:]).float().mean() > 0.5


@pytest.mark.parametrize("name", ["npo", "amun", "mu-mis", "jit"])
def test_the_label_becomes_less_likely(name: str) -> None:
    task = task_with_retained()
    before = F.cross_entropy(task.module(task.pixels), task.labels)
    run(load_method(method_entry(name))(options(name, learning_rate=0.003)), task, 30)
    assert F.cross_entropy(task.module(task.pixels), task.labels) > before


def test_relabelling_ends_at_the_new_labels() -> None:
    for name in ("random-labels", "npo", "boundary-shrink", "delete"):
        task = tiny_task()
        new = (task.labels + 1) % CLASSES
        task.goal = Relabel(new)
        assert (
            run(load_method(method_entry(name))(options(name, learning_rate=0.01)), task).stopped
            == "forgotten"
        ), name
        assert torch.equal(task.module(task.pixels).argmax(1), new)


def test_fine_tune_is_cross_entropy_on_all_that_is_retained() -> None:
    task = task_with_retained()
    assert task.retained is not None
    method = FineTune(options("fine-tune"))
    expected = F.cross_entropy(task.module(task.retained.pixels.float() / 255), task.retained.labels)
    assert torch.allclose(method.losses(task).total, expected)
    with pytest.raises(UserError, match="retained pictures"):
        method.losses(tiny_task())


def test_npo_starts_as_gradient_ascent() -> None:
    task = tiny_task()
    method = Npo(options("npo", beta=0.5))
    method.prepare(task)
    losses = method.losses(task)
    assert losses.total.item() == pytest.approx(2 / 0.5 * math.log(2))
    weights = list(task.module.parameters())
    ascent = -F.cross_entropy(task.module(task.pixels), task.labels)
    for own, expected in zip(
        torch.autograd.grad(losses.total, weights), torch.autograd.grad(ascent, weights), strict=True
    ):
        assert torch.allclose(own, expected, atol=1e-6)


def test_scrub_takes_turns() -> None:
    task = task_with_retained()
    assert task.retained is not None
    method = Scrub(options("scrub"))
    method.prepare(task)
    assert method.losses(task).total.item() == pytest.approx(0, abs=1e-6)
    stay = method.losses(task)
    expected = F.cross_entropy(task.module(task.retained.pixels.float() / 255), task.retained.labels)
    assert torch.allclose(stay.total, expected, atol=1e-6)


def test_salun_moves_only_salient_weights() -> None:
    task = task_with_retained()
    start = {name: p.detach().clone() for name, p in task.module.named_parameters()}
    method = SalUn(options("salun", saliency=0.25))
    run(method, task, 3)
    moved = torch.cat([(p != start[name]).flatten() for name, p in task.module.named_parameters()])
    salient = torch.cat([mask.flatten() for mask in method._mask.values()])
    assert salient.float().mean().item() == pytest.approx(0.25, abs=0.01)
    assert not moved[~salient].any()
    assert moved[salient].any()


def test_ssd_dampens_by_the_ratio_of_importance() -> None:
    task = task_with_retained()
    method = Ssd(options("ssd", threshold=2.0))
    method.prepare(task)
    start = last_weight(task).detach().clone()
    own, other = method._on_forgotten["4.weight"], method._on_retained["4.weight"]
    method.advance(task, method.optimiser(task.module))
    chosen = own > 2 * other
    assert chosen.any()
    assert torch.equal(last_weight(task)[~chosen], start[~chosen])
    assert torch.allclose(last_weight(task)[chosen], (start * other / own)[chosen])


def test_squared_gradients_of_one_picture_are_its_gradient_squared() -> None:
    task = linear_task()
    loss = F.cross_entropy(task.module(task.pixels[:1]), task.labels[:1])
    (gradient,) = torch.autograd.grad(loss, list(task.module.parameters()))
    found = squared_gradients(task, task.pixels[:1], task.labels[:1])
    assert torch.allclose(found["1.weight"], gradient.square())


def test_jit_is_the_slope_of_the_classifier() -> None:
    task = linear_task()
    with torch.no_grad():
        last_weight(task).zero_()
        last_weight(task)[:, :CLASSES] = 3 * torch.eye(CLASSES)
    loss = JiT(options("jit", noisy_copies=400)).losses(task).total.item()
    # Of 16 noisy pixels the classifier sees 4: the expected slope is 3 · E‖ε₄‖ / ‖ε₁₆‖, near 3 · sqrt(4/16).
    assert loss == pytest.approx(1.5, rel=0.08)


def test_mu_mis_is_the_difference_of_two_rows() -> None:
    task = linear_task()
    squares = last_weight(task).square().sum(1)
    loss = MuMis(options("mu-mis")).losses(task).total
    choices = [[c for c in range(CLASSES) if c != label] for label in task.labels]
    own = squares[task.labels].mean()
    assert any(torch.allclose(loss, own - squares[list(drawn)].mean()) for drawn in product(*choices))
    loss.backward()
    assert last_weight(task).grad is not None


def test_amun_learns_from_examples_across_the_boundary() -> None:
    task = tiny_task()
    # The boundary is farther than where the search begins: the radius has to grow.
    method = Amun(options("amun", radius=0.02))
    method.prepare(task)
    assert torch.equal(task.module(method._examples).argmax(1), method._targets)
    assert (method._targets != task.labels).all()


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        # From 0.5 at 0.66 class 2 leads, at 1 class 3; from 1 at 0.92 class 2; from 0.75 at 0.59 class 0.
        (0.02, [2, 2, 0]),
        # The first step already crosses, whatever the size of the gradient: to 0.8, 0.7 and 0.45.
        (0.3, [2, 2, 0]),
        # Too short to leave any class in six doublings: what the original sees next to its label.
        (0.0001, [1, 2, 0]),
    ],
)
def test_boundary_shrink_takes_the_first_class_that_the_step_reaches(
    step: float, expected: list[int]
) -> None:
    labels = torch.tensor([0, 3, 2])
    task = Task(
        module=Ramps(),
        pixels=torch.tensor([0.5, 1.0, 0.75]).view(3, 1, 1, 1),
        labels=labels,
        goal=Misclassify(labels),
        generator=torch.Generator(),
    )
    method = BoundaryShrink(options("boundary-shrink", step=step))
    method.prepare(task)
    assert method._wrong.tolist() == expected


def test_retrain_follows_the_recipe_to_its_end_without_the_forget_set() -> None:
    task = task_with_retained()

    def fresh() -> nn.Module:
        module = tiny_classifier()
        for layer in module.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear | nn.BatchNorm2d):
                layer.reset_parameters()
        return module

    recipe = Recipe(fresh, (Cycle(4, 0.05, lambda pixels, generator: pixels),), 1, 16, 0.0)
    task.retrain = lambda retained: Training(recipe, retained.pixels, retained.labels, 0)
    loop = run(Retrain({}), task, max_steps=2)
    assert loop.step == 4
    pixels, labels = tiny_pictures()
    assert (task.module(pixels).argmax(1) == labels).float().mean() > 0.8
    with pytest.raises(UserError, match="recipe"):
        run(Retrain({}), tiny_task())


def test_retained_pictures_are_learnt_beside_the_forget_set() -> None:
    task = task_with_retained()
    assert task.retained is not None
    method = load_method(method_entry("random-labels"))(options("random-labels"))
    method.prepare(task)
    losses = method.losses(task)
    own = F.cross_entropy(task.module(task.retained.pixels.float() / 255), task.retained.labels)
    assert losses.retain is not None
    assert torch.allclose(losses.retain, own)
    assert torch.allclose(losses.total, losses.forget + own)


def test_npo_compares_each_instance_with_its_own_start() -> None:
    task = tiny_task(k=40)
    method = Npo(options("npo", forget_batch=1))
    method.prepare(task)
    # Before the first step the ratio is 1 for every instance, whichever is drawn.
    for _ in range(10):
        assert method.losses(task).total.item() == pytest.approx(2 / 0.5 * math.log(2))


def test_scrub_moves_away_on_the_forget_set_and_stays_on_the_rest() -> None:
    task = task_with_retained()
    assert task.retained is not None
    method = Scrub(options("scrub", distillation=2.0) | {"cross_entropy": 0.0})
    method.prepare(task)
    before = tiny_classifier()
    with torch.no_grad():
        last_weight(task).mul_(0.5)

    def divergence(pixels: Tensor) -> float:
        wanted, found = before(pixels).softmax(1), task.module(pixels).log_softmax(1)
        return float((wanted * (wanted.log() - found)).sum() / len(pixels))

    assert divergence(task.pixels) > 0.01
    assert method.losses(task).total.item() == pytest.approx(-divergence(task.pixels), rel=1e-4)
    on_retained = divergence(task.retained.pixels.float() / 255)
    assert method.losses(task).total.item() == pytest.approx(2 * on_retained, rel=1e-4)


def test_ssd_dampens_more_weights_and_further_as_it_is_told() -> None:
    task = task_with_retained()
    method = Ssd(options("ssd", threshold=2.0, dampening=0.5))
    method.prepare(task)
    start = last_weight(task).detach().clone()
    own, other = method._on_forgotten["4.weight"], method._on_retained["4.weight"]
    for threshold in (2.0, 1.8, 1.62):
        method.advance(task, method.optimiser(task.module))
        chosen = own > threshold * other
        assert torch.allclose(last_weight(task), torch.where(chosen, 0.5 * start * other / own, start))
    assert (own > 1.62 * other).sum() > (own > 2 * other).sum()


def test_mu_mis_has_nothing_to_do_where_the_label_is_the_less_sensitive() -> None:
    task = linear_task()
    with torch.no_grad():
        last_weight(task)[task.labels] = 0
    assert MuMis(options("mu-mis")).losses(task).total.item() == 0
