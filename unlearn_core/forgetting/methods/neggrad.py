"""NegGrad (goal misclassify) and Correct (goal relabel): the goal's loss alone, the paper's baselines.

Paper: arXiv 2301.11578, section 4.1. Deviation: batches are drawn at random at every step instead of
iterating over the forget set in epochs; there is no difference for a forget set of one batch.
"""

from __future__ import annotations

from unlearn_core.common.batches import draw
from unlearn_core.common.lazy_torch import nn, torch
from unlearn_core.forgetting.entry import FORGET_BATCH, STEP_SIZE, MethodEntry
from unlearn_core.forgetting.methods.base import Losses, Method, Task


class NegGrad(Method):
    """Stochastic gradient steps on the goal's loss over the forget set."""

    entry = MethodEntry(
        name="neggrad",
        title="NegGrad",
        summary="Only pushes the pictures away, with nothing that keeps the rest: the baseline.",
        paper="arXiv 2301.11578, section 4.1",
        options=(STEP_SIZE, FORGET_BATCH),
    )

    train_mode = True

    def optimiser(self, module: nn.Module) -> torch.optim.Optimizer:
        """Return SGD with momentum 0.9 and weight decay 1e-4, as in the authors' code."""
        rate = self.options["learning_rate"]
        return torch.optim.SGD(module.parameters(), rate, momentum=0.9, weight_decay=1e-4)

    def losses(self, task: Task) -> Losses:
        """Return the goal's mean loss over a batch of the forget set."""
        instances = draw(len(task.pixels), int(self.options["forget_batch"]), task.generator)
        instances = instances.to(task.pixels.device)
        loss = task.goal.paper_loss(task.module(task.pixels[instances]), instances).mean()
        return Losses(loss, loss)
