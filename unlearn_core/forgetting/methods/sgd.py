"""Shared by the methods of other papers: plain SGD, no training, and batches."""

from __future__ import annotations

from unlearn_core.common.batches import draw
from unlearn_core.common.lazy_torch import F, Tensor, nn, torch
from unlearn_core.errors import UserError
from unlearn_core.forgetting.adversarial import other_labels
from unlearn_core.forgetting.goals import Relabel
from unlearn_core.forgetting.methods.base import Losses, Method, Task


class Sgd(Method):
    """SGD with momentum 0.9 and no weight decay, in eval mode: BatchNorm statistics do not change."""

    def optimiser(self, module: nn.Module) -> torch.optim.Optimizer:
        """Return SGD at the option `learning_rate`."""
        return torch.optim.SGD(module.parameters(), self.options["learning_rate"], momentum=0.9)


class TrainingFree(Method):
    """A method whose `advance` sets weights directly and takes no gradient steps."""

    def optimiser(self, module: nn.Module) -> torch.optim.Optimizer:
        """Return a placeholder for the loop."""
        return torch.optim.SGD(module.parameters(), 0.0)

    def losses(self, task: Task) -> Losses:
        """Return the goal's loss on the forget set, only for the chart."""
        everyone = torch.arange(len(task.pixels), device=task.pixels.device)
        loss = task.goal.margin_loss(task.module(task.pixels), everyone, 0.0).mean()
        return Losses(loss, loss)


def forget_batch(task: Task, options: dict[str, float | int]) -> Tensor:
    """Return the positions of a batch of instances to forget, on the task's device."""
    chosen = draw(len(task.pixels), int(options["forget_batch"]), task.generator)
    return chosen.to(task.pixels.device)


def retained_batch(task: Task, options: dict[str, float | int]) -> tuple[Tensor, Tensor]:
    """Return pixels and labels of a batch of retained pictures; `UserError` if there are none."""
    if task.retained is None:
        raise UserError("This method trains on retained pictures, but there are none.")
    return task.retained.draw(int(options["retained_batch"]), task.generator, task.pixels.device)


def retained_loss(task: Task, options: dict[str, float | int]) -> tuple[Tensor, Tensor]:
    """Return cross-entropy on a batch of retained pictures, and accuracy as a share."""
    pixels, labels = retained_batch(task, options)
    logits = task.module(pixels)
    return F.cross_entropy(logits, labels), (logits.argmax(1) == labels).float().mean()


def with_retained(task: Task, options: dict[str, float | int], forget: Tensor) -> Losses:
    """Return a forget loss, plus the loss on retained pictures if there are any."""
    if task.retained is None:
        return Losses(forget, forget)
    retain, agreement = retained_loss(task, options)
    return Losses(forget + retain, forget, retain, agreement)


def wrong_labels(task: Task) -> Tensor:
    """Return the new labels of goal relabel, else a random label for each instance, never its own: (k,)."""
    if isinstance(task.goal, Relabel):
        return task.goal.new_labels
    return other_labels(task.labels, task.classes, task.generator)
