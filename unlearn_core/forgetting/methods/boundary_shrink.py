"""boundary-shrink: give each instance the label on the other side of the nearest decision boundary.

Paper: boundary unlearning (Chen et al., arXiv 2303.11570, section 3.2). The label is the original's
prediction after one step against the instance's label (FGSM, untargeted). Deviations: the step doubles until
the prediction changes, up to five times, and the runner-up is the label where it never does; it runs until
the goal is reached instead of for a number of epochs; BatchNorm statistics do not change; with goal relabel
the new label is used instead.
"""

from __future__ import annotations

from unlearn_core.common.batches import in_batches
from unlearn_core.common.lazy_torch import F, Tensor, torch
from unlearn_core.forgetting.entry import FORGET_BATCH, STEP_SIZE, MethodEntry, Option
from unlearn_core.forgetting.goals import Relabel, runner_up
from unlearn_core.forgetting.methods.base import INFERENCE_BATCH, Losses, Task
from unlearn_core.forgetting.methods.sgd import Sgd, forget_batch

DOUBLINGS = 6


class BoundaryShrink(Sgd):
    """Cross-entropy to the nearest wrong label."""

    entry = MethodEntry(
        name="boundary-shrink",
        title="Boundary shrink",
        summary="Gives each picture the label across the nearest decision boundary.",
        paper="arXiv 2303.11570",
        options=(
            STEP_SIZE,
            Option("step", 0.02, 1e-4, 1.0, "First step of the search for the boundary, in pixel values."),
            FORGET_BATCH,
        ),
    )

    def prepare(self, task: Task) -> None:
        """Find the nearest wrong label of each instance."""
        with task.phase("attack"):
            if isinstance(task.goal, Relabel):
                self._wrong = task.goal.new_labels
            else:
                found = in_batches(
                    lambda part: self._across(task, task.pixels[part], task.labels[part]),
                    len(task.pixels),
                    INFERENCE_BATCH,
                )
                self._wrong = torch.cat(list(found))

    def losses(self, task: Task) -> Losses:
        """Return the mean cross-entropy of a batch of instances to their nearest wrong labels."""
        instances = forget_batch(task, self.options)
        loss = F.cross_entropy(task.module(task.pixels[instances]), self._wrong[instances])
        return Losses(loss, loss)

    def _across(self, task: Task, pixels: Tensor, labels: Tensor) -> Tensor:
        seen = pixels.clone().requires_grad_(True)
        logits = task.module(seen)
        (gradient,) = torch.autograd.grad(F.cross_entropy(logits, labels, reduction="sum"), seen)
        found = runner_up(logits.detach(), labels)
        missing = torch.ones(len(labels), dtype=torch.bool, device=labels.device)
        for doubling in range(DOUBLINGS):
            moved = (pixels + self.options["step"] * 2**doubling * gradient.sign()).clamp(0, 1)
            with torch.no_grad():
                classes = task.module(moved).argmax(1)
            crossed = missing & (classes != labels)
            found[crossed] = classes[crossed]
            missing &= ~crossed
        return found
