"""scrub: move away from the original on the forget set, stay with it on retained pictures.

Paper: SCRUB (Kurmanji et al., arXiv 2302.09880, section 3). Deviations: both kinds of steps alternate one by
one instead of epoch by epoch, with the same learning rate; it stops as soon as the goal is reached, which may
be after a step away from the original; BatchNorm statistics do not change; no rewinding (its "+R").
"""

from __future__ import annotations

import copy

from unlearn_core.common.lazy_torch import F, Tensor, torch
from unlearn_core.forgetting.entry import FORGET_BATCH, RETAINED_BATCH, STEP_SIZE, MethodEntry, Option
from unlearn_core.forgetting.methods.base import Losses, Task
from unlearn_core.forgetting.methods.sgd import Sgd, forget_batch, retained_batch


class Scrub(Sgd):
    """Alternate −KL to the original on instances with KL and cross-entropy on retained pictures."""

    entry = MethodEntry(
        name="scrub",
        title="SCRUB",
        summary="Moves away from the original on the pictures, stays with it on retained ones.",
        paper="arXiv 2302.09880",
        goals=("misclassify",),
        options=(
            STEP_SIZE,
            Option("distillation", 1.0, 0.0, 100.0, "Weight of staying with the original's outputs (α)."),
            # Without it nothing moves: every divergence is flat at the original, where it begins.
            Option("cross_entropy", 1.0, 1e-3, 100.0, "Weight of the retained labels (γ)."),
            FORGET_BATCH,
            RETAINED_BATCH,
        ),
        retained_data="needed",
    )

    def prepare(self, task: Task) -> None:
        """Keep the original as the teacher."""
        self._teacher = copy.deepcopy(task.module).requires_grad_(False).eval()
        self._turn = 0

    def losses(self, task: Task) -> Losses:
        """Return −KL(teacher ‖ student) on D_f in even turns, α·KL + γ·CE on D_r in odd ones."""
        self._turn += 1
        if self._turn % 2:
            pixels = task.pixels[forget_batch(task, self.options)]
            away = -self._divergence(task, pixels, task.module(pixels))
            return Losses(away, away)
        pixels, labels = retained_batch(task, self.options)
        logits = task.module(pixels)
        stay = self.options["distillation"] * self._divergence(task, pixels, logits)
        stay = stay + self.options["cross_entropy"] * F.cross_entropy(logits, labels)
        agreement = (logits.argmax(1) == labels).float().mean()
        return Losses(stay, torch.zeros_like(stay), stay, agreement)

    def _divergence(self, task: Task, pixels: Tensor, logits: Tensor) -> Tensor:
        with torch.no_grad():
            wanted = self._teacher(pixels).log_softmax(1)
        return F.kl_div(logits.log_softmax(1), wanted, reduction="batchmean", log_target=True)

    def state(self) -> dict[str, Tensor]:
        """Return the step's kind."""
        return {"turn": torch.tensor(self._turn)}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Restore the step's kind."""
        self._turn = int(state["turn"])
