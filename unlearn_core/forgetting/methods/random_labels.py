"""random-labels: learn a wrong label for each instance, optionally with retained pictures.

Source: amnesiac unlearning (Graves et al., arXiv 2010.10981, section 4.1). Deviations: one label per picture,
drawn once; it runs until the goal is reached instead of for a number of epochs.
"""

from __future__ import annotations

from unlearn_core.common.lazy_torch import F
from unlearn_core.forgetting.entry import FORGET_BATCH, RETAINED_BATCH, STEP_SIZE, MethodEntry
from unlearn_core.forgetting.methods.base import Losses, Task
from unlearn_core.forgetting.methods.sgd import Sgd, forget_batch, with_retained, wrong_labels


class RandomLabels(Sgd):
    """Cross-entropy to wrong labels, plus cross-entropy on retained pictures if there are any."""

    entry = MethodEntry(
        name="random-labels",
        title="Random labels",
        summary="Learns a wrong label for each picture; may learn from retained pictures too.",
        paper="arXiv 2010.10981",
        options=(STEP_SIZE, FORGET_BATCH, RETAINED_BATCH),
        retained_data="optional",
    )

    def prepare(self, task: Task) -> None:
        """Draw the wrong labels."""
        self._wrong = wrong_labels(task)

    def losses(self, task: Task) -> Losses:
        """Return the mean loss on a batch of instances plus that on a batch of retained pictures."""
        instances = forget_batch(task, self.options)
        forget = F.cross_entropy(task.module(task.pixels[instances]), self._wrong[instances])
        return with_retained(task, self.options, forget)
