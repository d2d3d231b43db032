"""ADV+IMP: adversarial examples and weight importance together, the paper's full method.

Paper: arXiv 2301.11578, section 3.3. Deviation: an importance tensor whose values are all equal counts as
unimportant instead of becoming NaN.
"""

from unlearn_core.forgetting.entry import ATTACK, FORGET_BATCH, IMPORTANCE, STEP_SIZE, MethodEntry
from unlearn_core.forgetting.importance import ImportancePenalty
from unlearn_core.forgetting.methods.adv import Adv
from unlearn_core.forgetting.methods.base import Losses, Task


class AdvImp(Adv):
    """ADV plus λ/2 · Σ (1 − Ω)(θ − θ₀)²."""

    entry = MethodEntry(
        name="adv+imp",
        title="ADV + IMP",
        summary="The paper's full method: adversarial examples and weight importance.",
        paper="arXiv 2301.11578, section 3.3",
        options=(STEP_SIZE, *ATTACK, FORGET_BATCH, IMPORTANCE),
    )

    def prepare(self, task: Task) -> None:
        """Attack the original classifier and measure the importance of the weights for the forget set."""
        super().prepare(task)
        with task.phase("importance", len(task.pixels)):
            strength = self.options["importance_strength"]
            self._penalty = ImportancePenalty(task.module, task.pixels, strength, task.check)

    def losses(self, task: Task) -> Losses:
        """Return ADV's losses with the penalty added to the total."""
        losses = super().losses(task)
        losses.total = losses.total + self._penalty(task.module)
        return losses
