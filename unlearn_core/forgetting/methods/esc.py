"""esc: erase the principal directions of the forget set's features, without training.

Paper: ESC, erasing space concept (Lee et al., arXiv 2504.02199), without its trained variant ESC-T: the left
singular vectors of the features before the last layer, not centred, are their directions, and the first ones
are projected out. Deviations from the authors' code: it erases a share p of all directions at once (3%);
here each step erases `directions` more until the goal is reached, and once all of D_f's are erased nothing
changes any more. It projects onto D_f's other directions, which would leave nothing else if D_f has fewer
pictures than there are features; here it is onto all but the erased ones, the same for a large D_f. The
projection becomes part of the last layer's weights, W − W U Uᵀ: the outputs are the same, but the features
themselves, which the paper protects too, are not erased.
"""

from __future__ import annotations

from unlearn_core.common.batches import in_batches
from unlearn_core.common.lazy_torch import Tensor, torch
from unlearn_core.forgetting.entry import MethodEntry, Option
from unlearn_core.forgetting.goals import Relabel
from unlearn_core.forgetting.head import linear_head, with_features
from unlearn_core.forgetting.methods.base import INFERENCE_BATCH, Losses, Task
from unlearn_core.forgetting.methods.sgd import TrainingFree


class Esc(TrainingFree):
    """One projection per step, of more and more directions."""

    entry = MethodEntry(
        name="esc",
        title="ESC",
        summary="Erases the main directions of the pictures' features, without training.",
        paper="arXiv 2504.02199",
        goals=("misclassify",),
        options=(Option("directions", 1, 1, 4096, "Directions of the features to erase in each step."),),
    )

    def prepare(self, task: Task) -> None:
        """Find the last layer and the principal directions of the features that it reads."""
        if isinstance(task.goal, Relabel):
            self.entry.check_goal("relabel")
        self._head = linear_head(task.module, task.pixels[:1], self.entry.title)
        with torch.no_grad():
            seen = in_batches(
                lambda part: with_features(task.module, self._head, task.pixels[part])[0],
                len(task.pixels),
                INFERENCE_BATCH,
            )
            self._directions = torch.linalg.svd(torch.cat(list(seen)), full_matrices=False).Vh
        self._start = self._head.weight.detach().clone()
        self._erased = 0

    def advance(self, task: Task, optimiser: torch.optim.Optimizer) -> Losses:
        """Set W = W₀ − W₀ U Uᵀ with `directions` more columns in U."""
        self._erased += int(self.options["directions"])
        erased = self._directions[: self._erased]
        with torch.no_grad():
            self._head.weight.copy_(self._start - self._start @ erased.T @ erased)
            return self.losses(task)

    def state(self) -> dict[str, Tensor]:
        """Return the number of erased directions."""
        return {"erased": torch.tensor(self._erased)}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Restore the number of erased directions."""
        self._erased = int(state["erased"])
