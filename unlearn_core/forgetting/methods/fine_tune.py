"""fine-tune: go on learning from retained pictures and hope that the forget set fades.

The weakest baseline that learns from retained data (Golatkar et al., arXiv 1911.04933, section 5). Deviation:
BatchNorm statistics stay as they are.
"""

from unlearn_core.forgetting.methods.base import Losses, Task
from unlearn_core.forgetting.methods.sgd import Sgd, retained_loss


class FineTune(Sgd):
    """Cross-entropy on retained pictures; the goal plays no part but in the stop rule."""

    def losses(self, task: Task) -> Losses:
        """Return the mean cross-entropy of a batch of retained pictures."""
        loss, agreement = retained_loss(task, self.options)
        return Losses(loss, loss, loss, agreement)
