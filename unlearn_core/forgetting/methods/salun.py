"""salun: random labels, but only the weights with the largest gradients on the forget set may change.

Paper: SalUn (Fan et al., arXiv 2310.12508, section 4). Deviations: the threshold is the share of weights
`saliency` over all layers together, whose default, a half, is the paper's median; the wrong labels are drawn
once; it runs until the goal is reached instead of for a number of epochs; BatchNorm statistics do not change.
"""

from __future__ import annotations

from unlearn_core.common.lazy_torch import F, nn, torch
from unlearn_core.forgetting.entry import FORGET_BATCH, RETAINED_BATCH, STEP_SIZE, MethodEntry, Option
from unlearn_core.forgetting.methods.base import Task
from unlearn_core.forgetting.methods.random_labels import RandomLabels


class SalUn(RandomLabels):
    """Random labels under a mask of salient weights."""

    entry = MethodEntry(
        name="salun",
        title="SalUn",
        summary="Random labels, but only salient weights may move.",
        paper="arXiv 2310.12508",
        options=(
            STEP_SIZE,
            Option("saliency", 0.5, 1e-4, 1.0, "Share of the weights that may move."),
            FORGET_BATCH,
            RETAINED_BATCH,
        ),
        retained_data="needed",
    )

    def prepare(self, task: Task) -> None:
        """Draw the wrong labels and mark the weights with the largest gradient on the forget set."""
        super().prepare(task)
        with task.phase("importance"):
            task.module.zero_grad(set_to_none=True)
            for instances in torch.arange(len(task.pixels), device=task.pixels.device).split(256):
                logits = task.module(task.pixels[instances])
                F.cross_entropy(logits, task.labels[instances], reduction="sum").backward()
            sizes = {name: p.grad.abs() for name, p in task.module.named_parameters() if p.grad is not None}
            task.module.zero_grad(set_to_none=True)
            every = torch.cat([size.flatten() for size in sizes.values()])
            kept = max(1, round(self.options["saliency"] * len(every)))
            threshold = every.kthvalue(len(every) - kept + 1).values
            self._mask = {name: size >= threshold for name, size in sizes.items()}

    def adjust_gradients(self, module: nn.Module) -> None:
        """Set the gradient of weights outside the mask to 0."""
        for name, parameter in module.named_parameters():
            if parameter.grad is not None and name in self._mask:
                parameter.grad *= self._mask[name]
