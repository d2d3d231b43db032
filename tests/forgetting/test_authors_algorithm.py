"""NegGrad, ADV and ADV+IMP beside the authors' algorithm, written anew from the paper and in plain torch.

Random numbers come from one generator on the CPU, in this order: for every adversarial example a whole
number from 1 to classes − 1, which added to the label gives its target; then, for every batch of the attack,
the uniform pixels that its starts lie toward. Nothing else is drawn. Of the authors' code the known faults
are left out: targets equal to the label, ten labels whatever the classes, NaN for constant importance, and
gradients of the importance that add up from batch to batch.
"""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from itertools import cycle

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.forgetting.tiny import CLASSES, tiny_classifier, tiny_pictures, tiny_task
from unlearn_core.forgetting.loop import ForgettingLoop
from unlearn_core.forgetting.methods.adv import Adv
from unlearn_core.forgetting.methods.adv_imp import AdvImp
from unlearn_core.forgetting.registry import load_method, method_entry

STEPS = 10
RATE, RADIUS, COPIES, ITERATIONS, STRENGTH = 0.01, 0.6, 5, 30, 10.0


@dataclass
class Sizes:
    """Forget set, and pictures in a forget batch and in an adversarial batch."""

    instances: int
    forget: int
    adversarial: int


WHOLE, SEVERAL = Sizes(4, 32, 256), Sizes(5, 2, 7)
EACH_SIZE = pytest.mark.parametrize("sizes", [WHOLE, SEVERAL], ids=["one batch", "several batches"])


@dataclass
class After:
    """What a step used and left: its losses, the penalty of the weights before it, and the state."""

    forget: Tensor
    retain: Tensor
    penalty: Tensor
    total: Tensor
    state: dict[str, Tensor]


def lengths(difference: Tensor) -> Tensor:
    return (difference**2).sum((1, 2, 3), keepdim=True).sqrt()


def attacked(module: nn.Module, pixels: Tensor, labels: Tensor, batch: int) -> tuple[Tensor, Tensor]:
    """Return the adversarial examples, `COPIES` rounds over each forget batch, and their targets."""
    generator = torch.Generator().manual_seed(0)
    centres = torch.cat([part for one in pixels.split(batch) for part in [one] * COPIES])
    own = torch.cat([part for one in labels.split(batch) for part in [one] * COPIES])
    targets = (own + torch.randint(1, CLASSES, own.shape, generator=generator)) % CLASSES
    module.eval()

    def into_the_ball(pictures: Tensor) -> Tensor:
        away = pictures - centres
        return centres + away * (RADIUS / lengths(away)).clamp(max=1)

    at = into_the_ball(torch.rand(centres.shape, generator=generator))
    for _ in range(ITERATIONS):
        at = at.detach().requires_grad_()
        F.cross_entropy(module(at), targets, reduction="sum").backward()
        gradient = at.grad
        assert gradient is not None
        direction = gradient / lengths(gradient).clamp(min=1e-6)
        at = into_the_ball((at.detach() - 0.1 * direction).clamp(0, 1))
    return at.clamp(0, 1), targets


def importance(module: nn.Module, pixels: Tensor, batch: int) -> dict[str, Tensor]:
    """Return |mean gradient of ‖f(x)‖₂| of the batches in train mode, each by its share, min-max scaled."""
    measured = deepcopy(module).train()
    total = {name: torch.zeros_like(weight) for name, weight in measured.named_parameters()}
    for part in pixels.split(batch):
        measured.zero_grad()
        (measured(part).norm(p=2, dim=1).mean() * (len(part) / len(pixels))).backward()
        for name, weight in measured.named_parameters():
            assert weight.grad is not None
            total[name] += weight.grad.abs()
    return {name: (one - one.min()) / (one.max() - one.min()) for name, one in total.items()}


def authors(name: str, sizes: Sizes) -> Iterator[After]:
    """Run the algorithm on the tiny problem and yield what every step used and left."""
    module = tiny_classifier()
    everything, every_label = tiny_pictures()
    pixels, labels = everything[: sizes.instances], every_label[: sizes.instances]
    first = {key: weight.detach().clone() for key, weight in module.named_parameters()}
    examples, targets = attacked(module, pixels, labels, sizes.forget)
    matters = importance(module, pixels, sizes.forget)
    module.zero_grad()
    optimiser = torch.optim.SGD(module.parameters(), RATE, momentum=0.9, weight_decay=1e-4)
    forget_batches = cycle(zip(pixels.split(sizes.forget), labels.split(sizes.forget), strict=True))
    adversarial = cycle(zip(examples.split(sizes.adversarial), targets.split(sizes.adversarial), strict=True))
    for _ in range(STEPS):
        module.train()
        retain = penalty = torch.zeros(())
        x, y = next(forget_batches)
        share = 1.0
        if name != "neggrad":
            near, wanted = next(adversarial)
            retain = F.cross_entropy(module(near), wanted)
            share = len(x) / (len(x) + len(near))
        forget = -F.cross_entropy(module(x), y)
        if name == "adv+imp":
            for key, weight in module.named_parameters():
                penalty = penalty + STRENGTH / 2 * ((1 - matters[key]) * (weight - first[key]) ** 2).sum()
        total = share * forget + (1 - share) * retain + penalty
        optimiser.zero_grad()
        total.backward()
        optimiser.step()
        state = {key: values.detach().clone() for key, values in module.state_dict().items()}
        yield After(forget, retain, penalty, total, state)


def ours(name: str, sizes: Sizes, **variant: int) -> ForgettingLoop:
    """Return the loop of the method, ready to run on the same problem with the same seed."""
    entry = method_entry(name)
    known = {option.name for option in entry.options}
    given = {"learning_rate": RATE, "radius": RADIUS, "examples": COPIES, "attack_iterations": ITERATIONS}
    given |= {"forget_batch": sizes.forget, "adversarial_batch": sizes.adversarial}
    given |= {"importance_strength": STRENGTH}
    options = entry.complete({key: value for key, value in given.items() if key in known} | variant)
    loop = ForgettingLoop(load_method(entry)(options), tiny_task(sizes.instances), STEPS)
    loop.prepare()
    return loop


def examples_of(loop: ForgettingLoop) -> Tensor:
    method = loop.method
    assert isinstance(method, Adv)
    return method._examples.take(torch.arange(len(method._examples)))


def held_of(loop: ForgettingLoop) -> dict[str, Tensor]:
    method = loop.method
    assert isinstance(method, AdvImp)
    return method._penalty._held


@EACH_SIZE
@pytest.mark.parametrize("name", ["neggrad", "adv", "adv+imp"])
def test_every_step_is_that_of_the_authors(name: str, sizes: Sizes) -> None:
    loop = ours(name, sizes)
    at_first = tiny_classifier().state_dict()
    steps = iter(loop)
    next(steps)
    for key, values in loop.task.module.state_dict().items():
        assert torch.equal(values, at_first[key]), f"{key} changed before the first step"
    for number, theirs in enumerate(authors(name, sizes), 1):
        if isinstance(loop.method, AdvImp):
            torch.testing.assert_close(
                loop.method._penalty(loop.task.module), theirs.penalty, rtol=1e-5, atol=1e-9
            )
        step = next(steps)
        assert step.step == number
        assert step.forget_loss == pytest.approx(theirs.forget.item(), rel=1e-5, abs=1e-6)
        assert (step.retain_loss or 0) == pytest.approx(theirs.retain.item(), rel=1e-5, abs=1e-6)
        assert step.loss == pytest.approx(theirs.total.item(), rel=1e-5, abs=1e-6)
        for key, values in loop.task.module.state_dict().items():
            torch.testing.assert_close(values, theirs.state[key], rtol=1e-6, atol=1e-6)


@EACH_SIZE
def test_adversarial_examples_are_those_of_the_authors(sizes: Sizes) -> None:
    pixels, labels = tiny_pictures()
    theirs, targets = attacked(
        tiny_classifier(), pixels[: sizes.instances], labels[: sizes.instances], sizes.forget
    )
    loop = ours("adv", sizes)
    assert isinstance(loop.method, Adv)
    assert torch.equal(loop.method._targets, targets)
    torch.testing.assert_close(examples_of(loop), theirs, rtol=0, atol=1e-6)
    assert (examples_of(ours("adv", sizes, start_inside=1)) - theirs).abs().max() > 0.01


@EACH_SIZE
def test_importance_is_that_of_the_authors(sizes: Sizes) -> None:
    theirs = importance(tiny_classifier(), tiny_pictures()[0][: sizes.instances], sizes.forget)
    found, of_the_text = (
        held_of(ours("adv+imp", sizes, importance_per_picture=variant)) for variant in (0, 1)
    )
    # BatchNorm takes the mean away: a bias before it has no gradient but for rounding.
    for key in theirs.keys() - {"0.bias"}:
        torch.testing.assert_close(1 - found[key], theirs[key], rtol=0, atol=1e-6)
        assert (1 - of_the_text[key] - theirs[key]).abs().max() > 0.01, key
