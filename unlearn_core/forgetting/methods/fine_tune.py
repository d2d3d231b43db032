"""fine-tune: continue training on retained pictures, so that the forget set may fade.

The weakest baseline that trains on retained data (Golatkar et al., arXiv 1911.04933, section 5). Deviation:
BatchNorm statistics do not change.
"""

from dataclasses import replace

from unlearn_core.forgetting.entry import RETAINED_BATCH, STEP_SIZE, MethodEntry
from unlearn_core.forgetting.methods.base import Losses, Task
from unlearn_core.forgetting.methods.sgd import Sgd, retained_loss


class FineTune(Sgd):
    """Cross-entropy on retained pictures; the goal is only used by the stop rule."""

    entry = MethodEntry(
        name="fine-tune",
        title="Fine-tune",
        summary="Only goes on learning from retained pictures.",
        paper="arXiv 1911.04933",
        goals=("misclassify",),
        options=(replace(STEP_SIZE, default=0.01), RETAINED_BATCH),
        retained_data="needed",
    )

    def losses(self, task: Task) -> Losses:
        """Return the mean cross-entropy of a batch of retained pictures."""
        loss, agreement = retained_loss(task, self.options)
        return Losses(loss, loss, loss, agreement)
