"""retrain: train from scratch without the forget set. Not unlearning, but its reference.

Needs a classifier with a shipped training recipe, and retained pictures. One step is one epoch, and it always
runs to the end of the recipe: an instance that the new classifier still recognises was not memorised.
"""

from __future__ import annotations

from unlearn_core.common.lazy_torch import Tensor, nn, torch
from unlearn_core.errors import UserError
from unlearn_core.forgetting.entry import MethodEntry
from unlearn_core.forgetting.methods.base import Losses, Method, Task


class Retrain(Method):
    """The recipe of the shipped weights, on the retained pictures alone."""

    entry = MethodEntry(
        name="retrain",
        title="Retrain",
        summary="Trains anew without the pictures: what unlearning is measured against.",
        paper="the recipe of the shipped weights",
        goals=("misclassify",),
        options=(),
        retained_data="needed",
        fixed_length=True,
    )

    resumable = False

    def prepare(self, task: Task) -> None:
        """Set up the training."""
        if task.retrain is None or task.retained is None:
            raise UserError("retrain needs a classifier with a training recipe, and retained pictures.")
        self._training = task.retrain(task.retained)
        self.total_steps = self._training.recipe.epochs

    def optimiser(self, module: nn.Module) -> torch.optim.Optimizer:
        """Return a placeholder for the loop; the training has its own optimiser."""
        return torch.optim.SGD(module.parameters(), 0.0)

    def advance(self, task: Task, optimiser: torch.optim.Optimizer) -> Losses:
        """Train for an epoch and copy the weights."""
        loss = torch.tensor(self._training.epoch(task.check))
        task.module.load_state_dict(self._training.network.state_dict())
        return Losses(loss, loss, loss)

    def losses(self, task: Task) -> Losses:
        """Not used: `advance` does the training."""
        raise NotImplementedError

    def state(self) -> dict[str, Tensor]:
        """Raise `UserError`: retraining cannot be resumed."""
        raise UserError("retrain cannot be resumed: run it again.")
