"""jit: make the classifier flat around each instance, with the forget set alone.

Paper: just in time unlearning (Foster et al., arXiv 2402.01401, section 4): minimise
mean over i of ‖f(x) − f(x + ε_i)‖ / ‖ε_i‖ with Gaussian ε_i. Deviation: it runs until the goal is reached
instead of for one pass.
"""

from __future__ import annotations

from dataclasses import replace

from unlearn_core.common.lazy_torch import torch
from unlearn_core.forgetting.adversarial import row_norms
from unlearn_core.forgetting.entry import FORGET_BATCH, STEP_SIZE, MethodEntry, Option
from unlearn_core.forgetting.methods.base import Losses, Task
from unlearn_core.forgetting.methods.sgd import Sgd, forget_batch


class JiT(Sgd):
    """Lipschitz regularisation at the instances to forget."""

    entry = MethodEntry(
        name="jit",
        title="JiT",
        summary="Makes the classifier flat around each picture.",
        paper="arXiv 2402.01401",
        goals=("misclassify",),
        options=(
            replace(STEP_SIZE, default=3e-4),
            Option("noise", 0.5, 1e-4, 10.0, "Spread of the noise, in pixel values."),
            Option("noisy_copies", 20, 1, 1000, "Noisy copies of each picture."),
            FORGET_BATCH,
        ),
    )

    def losses(self, task: Task) -> Losses:
        """Return the mean slope from a batch of instances to noisy copies of them."""
        pixels = task.pixels[forget_batch(task, self.options)]
        copies = pixels.repeat_interleave(int(self.options["noisy_copies"]), 0)
        noise = torch.randn(copies.shape, generator=task.generator).to(copies.device) * self.options["noise"]
        logits = task.module(torch.cat([pixels, copies + noise]))
        own, moved = logits.split([len(pixels), len(copies)])
        rise = (moved - own.repeat_interleave(int(self.options["noisy_copies"]), 0)).norm(dim=1)
        loss = (rise / row_norms(noise).flatten()).mean()
        return Losses(loss, loss)
