"""ADV+IMP: adversarial examples and weight importance together, the paper's full method.

Paper: arXiv 2301.11578, section 3.3. Deviation from the text, as in the authors' code: importance is not
Ω = mean over x of |∂‖f(x)‖₂ / ∂θ| but the absolute value of the *mean* gradient of a forget batch, in which
gradients of opposite sign cancel out, with a copy of the classifier in train mode, so that BatchNorm uses the
statistics of the batch and the classifier keeps its own. The option `importance_per_picture` measures that of
the text, in eval mode.

Deviations from that code: an importance tensor whose values are all equal counts as unimportant (there it is
NaN); of several forget batches each has its own gradient (there they add up, as they are never cleared). More
in adv.py.
"""

from unlearn_core.common.batches import batches_in
from unlearn_core.forgetting.entry import (
    ATTACK,
    FORGET_BATCH,
    IMPORTANCE,
    IMPORTANCE_PER_PICTURE,
    STEP_SIZE,
    MethodEntry,
)
from unlearn_core.forgetting.importance import ImportancePenalty, batch_importance, mas_importance
from unlearn_core.forgetting.methods.adv import Adv
from unlearn_core.forgetting.methods.base import Losses, Task


class AdvImp(Adv):
    """ADV plus λ/2 · Σ (1 − Ω)(θ − θ₀)²."""

    entry = MethodEntry(
        name="adv+imp",
        title="ADV + IMP",
        summary="Adversarial examples and weight importance: the full method of arXiv 2301.11578.",
        paper="arXiv 2301.11578, section 3.3",
        options=(STEP_SIZE, *ATTACK, FORGET_BATCH, IMPORTANCE, IMPORTANCE_PER_PICTURE),
    )

    def prepare(self, task: Task) -> None:
        """Attack the original classifier and measure the importance of the weights for the forget set."""
        super().prepare(task)
        one_by_one, batch = self.options["importance_per_picture"], int(self.options["forget_batch"])
        with task.phase("importance", batches_in(len(task.pixels), 1 if one_by_one else batch)):
            importance = (
                mas_importance(task.module, task.pixels, task.check)
                if one_by_one
                else batch_importance(task.module, task.pixels, batch, task.check)
            )
            strength = self.options["importance_strength"]
            self._penalty = ImportancePenalty(task.module, importance, strength)

    def losses(self, task: Task) -> Losses:
        """Return ADV's losses with the penalty added to the total."""
        losses = super().losses(task)
        losses.total = losses.total + self._penalty(task.module)
        return losses
