"""delete: distil the original with the label masked, so that the other classes keep their proportions.

Paper: DELETE, decoupled distillation to erase (Zhou et al., arXiv 2503.23751): minimise KL(p ‖ q) on the
forget set, where p is the softmax of the original's logits with the label's set to −∞ and q the softmax of
the classifier's. Deviations from the authors' code: BatchNorm statistics do not change (an option there); it
runs until the goal is reached instead of for 20 epochs; D_f is any pictures instead of whole classes. With
goal relabel, which the paper does not have, all but the new label is masked: cross-entropy to it.
"""

from __future__ import annotations

from unlearn_core.common.lazy_torch import F
from unlearn_core.forgetting.entry import FORGET_BATCH, STEP_SIZE, MethodEntry
from unlearn_core.forgetting.goals import Relabel
from unlearn_core.forgetting.methods.base import Losses, Task, logits_of
from unlearn_core.forgetting.methods.sgd import Sgd, forget_batch


class Delete(Sgd):
    """Distillation on the forget set from the masked outputs of the original."""

    entry = MethodEntry(
        name="delete",
        title="DELETE",
        summary="Learns what the classifier said of each picture apart from its label.",
        paper="arXiv 2503.23751",
        options=(STEP_SIZE, FORGET_BATCH),
    )

    def prepare(self, task: Task) -> None:
        """Compute the masked outputs of the original."""
        logits = logits_of(task.module, task.pixels)
        if isinstance(task.goal, Relabel):
            self._wanted = F.one_hot(task.goal.new_labels, task.classes).to(logits.dtype)
        else:
            self._wanted = logits.scatter(1, task.labels[:, None], -float("inf")).softmax(1)

    def losses(self, task: Task) -> Losses:
        """Return the mean divergence from the masked outputs over a batch of instances."""
        instances = forget_batch(task, self.options)
        found = task.module(task.pixels[instances]).log_softmax(1)
        loss = F.kl_div(found, self._wanted[instances], reduction="batchmean")
        return Losses(loss, loss)
