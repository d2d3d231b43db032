"""DELETE, ESC and StructGuard: what defines each, by hand on a tiny network, and two real digits."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.forgetting.tiny import CLASSES, last_weight, linear_task, options, run, tiny_classifier, tiny_task
from unlearn_core import load_classifier, load_images
from unlearn_core.errors import UserError
from unlearn_core.forgetting.goals import Misclassify, Relabel
from unlearn_core.forgetting.methods.base import Task
from unlearn_core.forgetting.methods.delete import Delete
from unlearn_core.forgetting.methods.esc import Esc
from unlearn_core.forgetting.methods.struct_guard import StructGuard
from unlearn_core.forgetting.registry import load_method, method_entry


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
    with pytest.raises(UserError, match="cannot relabel pictures"):
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
