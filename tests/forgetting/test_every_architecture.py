"""Everything registered on every family of architectures: two steps, finite numbers, nothing left behind."""

from collections.abc import Callable

import pytest
import torch
import torchvision
from timm.models.vision_transformer import VisionTransformer
from torch import nn

from tests.quick import SMALL
from unlearn_core.catalog.shipped.training import Cycle, Recipe, Training
from unlearn_core.errors import UserError
from unlearn_core.forgetting.entry import MethodEntry
from unlearn_core.forgetting.goals import Misclassify, Relabel
from unlearn_core.forgetting.loop import ForgettingLoop
from unlearn_core.forgetting.methods.base import Task
from unlearn_core.forgetting.registry import load_method, methods
from unlearn_core.forgetting.retained import Retained

CLASSES = 5
FORGET = 4
models = torchvision.models
FAMILIES: dict[str, Callable[[], nn.Module]] = {
    "resnet18": lambda: models.resnet18(num_classes=CLASSES),
    "mobilenet-v2": lambda: models.mobilenet_v2(num_classes=CLASSES),
    "squeezenet": lambda: models.squeezenet1_1(num_classes=CLASSES),
    "densenet": lambda: models.DenseNet(8, (2, 2, 2, 2), 16, num_classes=CLASSES),
    "vit": lambda: VisionTransformer(
        img_size=32, patch_size=8, embed_dim=48, depth=2, num_heads=3, num_classes=CLASSES
    ),
}

LARGE = ("resnet18", "mobilenet-v2")
NEED_A_LINEAR_HEAD = ("esc", "struct-guard")


def a_task(build: Callable[[], nn.Module], goal: str) -> Task:
    torch.manual_seed(0)
    module = build().eval()
    pixels = torch.rand(12, 3, 32, 32)
    with torch.no_grad():
        labels = module(pixels).argmax(1)
    other = (labels + 1) % CLASSES
    recipe = Recipe(build, (Cycle(2, 0.01, lambda seen, generator: seen),), 1, 4, 0.0)
    return Task(
        module=module,
        pixels=pixels[:FORGET],
        labels=labels[:FORGET],
        goal=Misclassify(labels[:FORGET]) if goal == "misclassify" else Relabel(other[:FORGET]),
        generator=torch.Generator().manual_seed(0),
        retained=Retained((pixels[FORGET:] * 255).byte(), labels[FORGET:]),
        retrain=lambda retained: Training(recipe, retained.pixels, retained.labels, 0),
    )


def a_method(entry: MethodEntry, family: str):  # type: ignore[no-untyped-def]
    known = {option.name for option in entry.options}
    # On the small families the steps spare what matters; measuring that on the large ones takes a minute.
    given = SMALL | ({"sparing": 0} if family in LARGE else {})
    return load_method(entry)(entry.complete({name: value for name, value in given.items() if name in known}))


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("entry", methods(), ids=lambda entry: entry.name)
def test_two_steps(entry: MethodEntry, family: str) -> None:
    goal = "relabel" if entry.name in ("adv", "random-labels") else "misclassify"
    task = a_task(FAMILIES[family], goal)
    loop = ForgettingLoop(a_method(entry, family), task, max_steps=2)
    if entry.name in NEED_A_LINEAR_HEAD and family == "squeezenet":
        with pytest.raises(UserError, match="a last linear layer, but this classifier does not end in one"):
            list(loop)
        return
    steps = list(loop)
    assert len(steps) == loop.step + 1 <= 3
    assert loop.stopped in ("forgotten", "step limit")
    assert all(torch.isfinite(value).all() for value in task.module.state_dict().values())
    assert task.module(task.pixels).shape == (FORGET, CLASSES)
    assert not task.module.training


@pytest.mark.parametrize("entry", methods(), ids=lambda entry: entry.name)
def test_cancelled_before_the_first_step_nothing_has_changed(entry: MethodEntry) -> None:
    task = a_task(FAMILIES["densenet"], "misclassify")
    before = {name: value.clone() for name, value in task.module.state_dict().items()}
    task.cancelled = lambda: True
    loop = ForgettingLoop(a_method(entry, "densenet"), task, max_steps=2)
    steps = list(loop)
    assert len(steps) <= 1
    assert loop.stopped in ("cancelled", "forgotten")
    assert all(torch.equal(value, before[name]) for name, value in task.module.state_dict().items())
    assert not any(
        layer._forward_pre_hooks or layer._forward_hooks or layer._backward_hooks
        for layer in task.module.modules()
    )
