"""npo: gradient ascent with a bounded loss, so that forgotten pictures are not pushed further.

Paper: negative preference optimisation (Zhang et al., arXiv 2404.05868, section 3):
−(2/β) · log σ(−β · log(p(y|x) / p₀(y|x))), written for language models; here p is the softmax of the label.
Deviations: it runs until the goal is reached instead of for a number of epochs; BatchNorm statistics do not
change. With goal relabel it is cross-entropy to the new label, which needs no bound.
"""

from __future__ import annotations

from unlearn_core.common.lazy_torch import F
from unlearn_core.forgetting.entry import FORGET_BATCH, RETAINED_BATCH, STEP_SIZE, MethodEntry, Option
from unlearn_core.forgetting.goals import Relabel
from unlearn_core.forgetting.methods.base import Losses, Task, logits_of
from unlearn_core.forgetting.methods.sgd import Sgd, forget_batch, with_retained


class Npo(Sgd):
    """Bounded descent of the label's log-probability, optionally with retained pictures."""

    entry = MethodEntry(
        name="npo",
        title="NPO",
        summary="Gradient ascent with a floor; may learn from retained pictures too.",
        paper="arXiv 2404.05868",
        options=(
            STEP_SIZE,
            Option("beta", 0.5, 1e-3, 100.0, "How soon the ascent levels off."),
            FORGET_BATCH,
            RETAINED_BATCH,
        ),
        retained_data="optional",
    )

    def prepare(self, task: Task) -> None:
        """Compute the label's log-probability by the original."""
        logs = logits_of(task.module, task.pixels).log_softmax(1)
        self._before = logs.gather(1, task.labels[:, None]).squeeze(1)

    def losses(self, task: Task) -> Losses:
        """Return the mean bounded loss of a batch of instances, plus that on retained pictures if any."""
        instances = forget_batch(task, self.options)
        logits = task.module(task.pixels[instances])
        if isinstance(task.goal, Relabel):
            forget = task.goal.paper_loss(logits, instances).mean()
        else:
            now = logits.log_softmax(1).gather(1, task.labels[instances, None]).squeeze(1)
            beta = self.options["beta"]
            forget = -2 / beta * F.logsigmoid(-beta * (now - self._before[instances])).mean()
        return with_retained(task, self.options, forget)
