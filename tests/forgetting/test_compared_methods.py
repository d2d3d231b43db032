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
    options,
    task_with_retained,
    tiny_classifier,
    tiny_pictures,
    tiny_task,
)
from unlearn_core import load_classifier, load_images
from unlearn_core.catalog.shipped.training import Cycle, Recipe, Training
from unlearn_core.errors import UserError
from unlearn_core.forgetting.goals import Misclassify, Relabel
from unlearn_core.forgetting.loop import ForgettingLoop
from unlearn_core.forgetting.methods.amun import Amun
from unlearn_core.forgetting.methods.base import Method, Task
from unlearn_core.forgetting.methods.boundary_shrink import BoundaryShrink
from unlearn_core.forgetting.methods.delete import Delete
from unlearn_core.forgetting.methods.esc import Esc
from unlearn_core.forgetting.methods.fine_tune import FineTune
from unlearn_core.forgetting.methods.jit import JiT
from unlearn_core.forgetting.methods.mu_mis import MuMis
from unlearn_core.forgetting.methods.npo import Npo
from unlearn_core.forgetting.methods.retrain import Retrain
from unlearn_core.forgetting.methods.salun import SalUn
from unlearn_core.forgetting.methods.scrub import Scrub
from unlearn_core.forgetting.methods.ssd import Ssd, squared_gradients
from unlearn_core.forgetting.methods.struct_guard import StructGuard
from unlearn_core.forgetting.registry import load_method, method_entry


def linear_task() -> Task:
    """Return a task on f(x) = W x, whose every sensitivity is a row of W."""
    torch.manual_seed(1)
    module = nn.Sequential(nn.Flatten(), nn.Linear(16, CLASSES, bias=False)).eval()
    pixels, labels = tiny_pictures()
    return Task(module, pixels[:3], labels[:3], Misclassify(labels[:3]), torch.Generator().manual_seed(0))


def last_weight(task: Task) -> nn.Parameter:
    return next(
        parameter for name, parameter in reversed(list(task.module.named_parameters())) if "weight" in name
    )


def run(method: Method, task: Task, max_steps: int = 200) -> ForgettingLoop:
    loop = ForgettingLoop(method, task, max_steps)
    for _ in loop:
        pass
    return loop


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
    method = Scrub(options("scrub", cross_entropy=0.0, distillation=2.0))
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


def test_delete_starts_at_the_divergence_from_the_original_without_the_label() -> None:
    task = tiny_task(k=3)
    method = Delete(options("delete"))
    method.prepare(task)
    losses = method.losses(task)
    logits = task.module(task.pixels)
    wanted = torch.zeros(3, CLASSES)
    for row, label in enumerate(task.labels.tolist()):
        others = [c for c in range(CLASSES) if c != label]
        wanted[row, others] = logits[row, others].detach().exp() / logits[row, others].detach().exp().sum()
    # Of the proportions among the others nothing is to learn: all that is left is −log(1 − p(label)).
    own = logits.softmax(1).gather(1, task.labels[:, None])
    assert torch.allclose(losses.total, -(1 - own).log().mean(), rtol=1e-4)
    # By hand: the derivative of KL(p ‖ softmax(z)) by z is softmax(z) − p.
    weights = list(task.module.parameters())
    by_hand = torch.autograd.grad(logits, weights, (logits.softmax(1).detach() - wanted) / 3)
    for found, expected in zip(torch.autograd.grad(losses.total, weights), by_hand, strict=True):
        assert torch.allclose(found, expected, atol=1e-6)


def test_delete_compares_each_instance_with_its_own_start() -> None:
    task = linear_task()
    method = Delete(options("delete", forget_batch=1))
    method.prepare(task)
    own = task.module(task.pixels).softmax(1).gather(1, task.labels[:, None]).squeeze(1)
    expected = (-(1 - own).log()).tolist()
    for _ in range(10):
        found = method.losses(task).total.item()
        assert min(abs(found - value) for value in expected) < 1e-5


def test_esc_leaves_nothing_along_the_erased_directions_and_all_that_is_orthogonal_to_them() -> None:
    task = linear_task()
    method = Esc(options("esc"))
    method.prepare(task)
    start = last_weight(task).detach().clone()
    features = task.pixels.flatten(1)
    # The main direction by hand: the first eigenvector of the features' second moments.
    main = torch.linalg.eigh(features.T @ features).eigenvectors[:, -1]
    method.advance(task, method.optimiser(task.module))
    assert torch.allclose(last_weight(task), start - torch.outer(start @ main, main), atol=1e-5)
    assert torch.allclose(task.module(main.view(1, 1, 4, 4)), torch.zeros(1, CLASSES), atol=1e-5)
    for _ in range(2):
        method.advance(task, method.optimiser(task.module))
    # Three pictures have three directions: nothing is left of any of them, nor changes any more.
    assert torch.allclose(task.module(task.pixels), torch.zeros(3, CLASSES), atol=1e-4)
    other = torch.rand(5, 16)
    other -= other @ torch.linalg.pinv(features) @ features
    assert torch.allclose(task.module(other.view(5, 1, 4, 4)), other @ start.T, atol=1e-4)
    erased = last_weight(task).detach().clone()
    method.advance(task, method.optimiser(task.module))
    assert torch.equal(last_weight(task), erased)


def test_esc_cannot_relabel() -> None:
    task = tiny_task()
    task.goal = Relabel((task.labels + 1) % CLASSES)
    with pytest.raises(UserError, match="cannot aim at a new label"):
        run(Esc(options("esc")), task)


def prepared_struct_guard(**given: float) -> tuple[StructGuard, Task]:
    """Return StructGuard in eval mode with all of its examples in every batch, after one step."""
    task = tiny_task()
    chosen = {"examples": 4, "attack_iterations": 2} | given
    method = StructGuard(options("struct-guard", **chosen))
    method.prepare(task)
    method.advance(task, method.optimiser(task.module))
    return method, task


def structure(module: nn.Module, pixels: Tensor, anchors: Tensor) -> Tensor:
    """Return the cosine of each feature with each anchor, (n, classes)."""
    features = module[:-1](pixels)  # type: ignore[index]
    return features @ anchors.T / features.norm(dim=1, keepdim=True) / anchors.norm(dim=1)


def test_struct_guard_is_adv_with_alignment_to_the_original_structure() -> None:
    method, task = prepared_struct_guard(importance_strength=0.0)
    before = tiny_classifier()
    anchors = last_weight(Task(before, task.pixels, task.labels, task.goal, task.generator)).detach()
    examples = method._examples.take(torch.arange(8))
    old, new = (structure(module, examples, anchors) for module in (before, task.module))
    alignment = 1 - F.cosine_similarity(old, new).mean()
    assert alignment > 1e-6
    kept = F.cross_entropy(task.module(examples), method._targets)
    forgotten = -F.cross_entropy(task.module(task.pixels), task.labels)
    weight = last_weight(task)
    sparsity = 0.001 * (0.99 * weight.abs().sum() + 0.005 * (weight**2).sum())
    expected = 0.2 * forgotten + 0.8 * kept + alignment + sparsity
    assert torch.allclose(method.losses(task).total, expected, rtol=1e-5)


def test_struct_guard_holds_the_weights_that_carry_the_structure() -> None:
    method, task = prepared_struct_guard(importance_strength=10.0)
    held_total = method.losses(task).total
    method.options["importance_strength"] = 0.0
    penalty = held_total - method.losses(task).total
    before = tiny_classifier()
    start = dict(before.named_parameters())
    anchors = start["4.weight"].detach()
    examples = method._examples.take(torch.arange(8))
    old, new = (structure(module, examples, anchors) for module in (before, task.module))
    held = {name: weight for name, weight in task.module.named_parameters() if not name.startswith("4.")}
    gradients = torch.autograd.grad(-F.cosine_similarity(old.detach(), new).mean(), list(held.values()))
    by_hand = sum(
        (gradient.abs() * (weight - start[name]) ** 2).sum()
        for gradient, (name, weight) in zip(gradients, held.items(), strict=True)
    )
    assert penalty.item() == pytest.approx(5 * float(by_hand), rel=1e-2)


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("delete", {}),
        ("esc", {}),
        ("struct-guard", {"examples": 4, "attack_iterations": 10, "learning_rate": 0.05}),
    ],
)
def test_the_newest_forget_two_digits_and_keep_most_others(name: str, given: dict[str, float]) -> None:
    classifier = load_classifier("mnist-resnet")
    images = load_images("mnist", classifier)
    pixels = torch.from_numpy(images.pixels[:5000:5]).permute(0, 3, 1, 2) / 255
    labels = torch.from_numpy(images.labels[:5000:5])
    chosen = torch.tensor([200, 700])
    goal = Misclassify(labels[chosen])
    task = Task(classifier.module, pixels[chosen], labels[chosen], goal, torch.Generator().manual_seed(0))
    loop = run(load_method(method_entry(name))(options(name, **given)), task, 60)
    assert loop.stopped == "forgotten"
    with torch.no_grad():
        assert (task.module(pixels).argmax(1) == labels).float().mean() > 0.6
