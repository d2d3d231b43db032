"""NegGrad (goal misclassify) and Correct (goal relabel): the goal's loss alone, the paper's baselines.

Paper: arXiv 2301.11578, section 4.1. As in the authors' code, batches follow each other in order. Deviation:
the stop rule is checked after every step, there only after every pass over the forget set; there is no
difference for a forget set of one batch.
"""

from __future__ import annotations

from unlearn_core.common.batches import in_turn
from unlearn_core.common.lazy_torch import Tensor, nn, torch
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
    _steps = 0

    def prepare(self, task: Task) -> None:
        """Begin with the first batch."""
        self._steps = 0

    def optimiser(self, module: nn.Module) -> torch.optim.Optimizer:
        """Return SGD with momentum 0.9 and weight decay 1e-4, as in the authors' code."""
        rate = self.options["learning_rate"]
        return torch.optim.SGD(module.parameters(), rate, momentum=0.9, weight_decay=1e-4)

    def losses(self, task: Task) -> Losses:
        """Return the goal's mean loss over a batch of the forget set."""
        instances = self.batch(len(task.pixels), "forget_batch").to(task.pixels.device)
        loss = task.goal.paper_loss(task.module(task.pixels[instances]), instances).mean()
        return Losses(loss, loss)

    def batch(self, count: int, size_option: str) -> Tensor:
        """Return the positions of this step's batch of `count` pictures, int64."""
        return in_turn(count, int(self.options[size_option]), self._steps)

    def adapt(self, step: int, forgotten: Tensor) -> None:
        """Go on to the next batch."""
        self._steps = step

    def state(self) -> dict[str, Tensor]:
        """Return the number of steps taken."""
        return {"steps": torch.tensor(self._steps)}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Go on after the steps of `state()`."""
        self._steps = int(state["steps"])
