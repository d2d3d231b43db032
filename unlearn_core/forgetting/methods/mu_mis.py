"""mu-mis: reduce the sensitivity of each instance's output, with the forget set alone.

Paper: MU-Mis (Cheng et al., arXiv 2402.15109, section 4): minimise ‖∂f_y/∂x‖² − ‖∂f_c/∂x‖² with a random
other class c, and stop when the two cross. Deviation: an instance is dropped when its own two cross, as
the difference has no lower bound and the weights would diverge; the run continues for the others.
"""

from __future__ import annotations

from dataclasses import replace

from unlearn_core.common.lazy_torch import Tensor, torch
from unlearn_core.forgetting.entry import FORGET_BATCH, STEP_SIZE, MethodEntry
from unlearn_core.forgetting.methods.base import Losses, Task
from unlearn_core.forgetting.methods.sgd import Sgd, forget_batch, wrong_labels


class MuMis(Sgd):
    """Suppress the sensitivity of the label's logit to the picture."""

    entry = MethodEntry(
        name="mu-mis",
        title="MU-Mis",
        summary="Takes back how strongly each picture shapes its own output.",
        paper="arXiv 2402.15109",
        options=(replace(STEP_SIZE, default=1e-4), FORGET_BATCH),
    )

    def losses(self, task: Task) -> Losses:
        """Return the mean positive difference of the squared sensitivities over a batch of instances."""
        from torch.nn.attention import SDPBackend, sdpa_kernel

        instances = forget_batch(task, self.options)
        pixels = task.pixels[instances].clone().requires_grad_(True)
        # The faster attention kernels have no second derivative.
        with sdpa_kernel(SDPBackend.MATH):
            logits = task.module(pixels)
        own = _sensitivity(logits, task.labels[instances], pixels)
        other = _sensitivity(logits, wrong_labels(task)[instances], pixels)
        loss = (own - other).clamp(min=0).mean()
        return Losses(loss, loss)


def _sensitivity(logits: Tensor, labels: Tensor, pixels: Tensor) -> Tensor:
    """Return ‖∂f_label/∂x‖² of each picture, (n,), itself differentiable."""
    chosen = logits.gather(1, labels[:, None]).sum()
    (gradient,) = torch.autograd.grad(chosen, pixels, create_graph=True)
    return gradient.flatten(1).square().sum(1)
