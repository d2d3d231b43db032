"""A problem small enough to forget in a second: four clusters on 4 × 4 pictures and a small network."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unlearn_core.forgetting.goals import Goal, Misclassify
from unlearn_core.forgetting.loop import ForgettingLoop
from unlearn_core.forgetting.methods.anchor import Anchor
from unlearn_core.forgetting.methods.base import Method, Task
from unlearn_core.forgetting.registry import method_entry
from unlearn_core.forgetting.retained import Retained

CLASSES = 4


def tiny_pictures(per_class: int = 20) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    centres = torch.rand(CLASSES, 1, 4, 4, generator=generator)
    labels = torch.arange(CLASSES).repeat(per_class)
    noise = 0.1 * torch.randn(len(labels), 1, 4, 4, generator=generator)
    return (centres[labels] + noise).clamp(0, 1), labels


def tiny_classifier() -> nn.Module:
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(128, CLASSES),
    )
    pixels, labels = tiny_pictures()
    optimiser = torch.optim.Adam(module.parameters(), 1e-2)
    for _ in range(60):
        optimiser.zero_grad()
        F.cross_entropy(module(pixels), labels).backward()
        optimiser.step()
    module.zero_grad(set_to_none=True)
    return module.eval()


def tiny_task(k: int = 2, seed: int = 0, goal: Goal | None = None) -> Task:
    pixels, labels = tiny_pictures()
    return Task(
        module=tiny_classifier(),
        pixels=pixels[:k],
        labels=labels[:k],
        goal=goal or Misclassify(labels[:k]),
        generator=torch.Generator().manual_seed(seed),
    )


def task_with_retained(k: int = 2) -> Task:
    task = tiny_task(k)
    pixels, labels = tiny_pictures()
    task.retained = Retained((pixels[k:] * 255).byte(), labels[k:])
    return task


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


def options(name: str, **given: float) -> dict[str, float | int]:
    """Return the options of a method: its defaults but for what is given."""
    return method_entry(name).complete(given)


class Ramps(nn.Module):
    """Four classes of pictures of one pixel x: 0, -0.1, -1 + 10 (x - 0.5) and -10 + 30 (x - 0.5)."""

    def forward(self, pixels: Tensor) -> Tensor:
        along = pixels.flatten(1) - 0.5
        return torch.cat([0 * along, 0 * along - 0.1, 10 * along - 1, 30 * along - 10], 1)


def moved_anchor(**given: float) -> tuple[Anchor, Task]:
    """Return anchor with all of its anchors in every batch, after the classifier moved a little."""
    task = tiny_task()
    chosen = {"examples": 4, "attack_iterations": 2, "anchor_batch": 4096, "bfloat16": 0}
    chosen |= {"deformed": 4, "depth": 0}
    method = Anchor(options("anchor", **(chosen | given)))
    method.prepare(task)
    with torch.no_grad():
        for parameter in task.module.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape, generator=task.generator))
    return method, task
