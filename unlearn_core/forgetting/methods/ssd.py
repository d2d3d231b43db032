"""ssd: dampen the weights that are far more important for the forget set than for retained pictures.

Paper: selective synaptic dampening (Foster et al., arXiv 2308.07707, section 3). Deviations: importance on
the full data is measured on the available retained pictures; and as the best threshold α depends on the
classifier, each step lowers it by a tenth, starting from the original weights, until the goal is reached. The
options are the initial α and λ.
"""

from __future__ import annotations

from dataclasses import replace

from unlearn_core.common.lazy_torch import F, Tensor, torch
from unlearn_core.forgetting.entry import RETAINED_BATCH, MethodEntry, Option
from unlearn_core.forgetting.importance import Importance, mean_gradient
from unlearn_core.forgetting.methods.base import Losses, Task
from unlearn_core.forgetting.methods.sgd import TrainingFree, retained_batch


class Ssd(TrainingFree):
    """One dampening per step, of more and more weights."""

    entry = MethodEntry(
        name="ssd",
        title="SSD",
        summary="Dampens the weights that matter far more to the pictures than to retained ones.",
        paper="arXiv 2308.07707",
        goals=("misclassify",),
        options=(
            Option("threshold", 50.0, 1e-3, 1e6, "How much more a weight must matter, at the start (α)."),
            Option("dampening", 1.0, 0.0, 100.0, "How much of it is left, at most (λ)."),
            replace(RETAINED_BATCH, default=512, help="Retained pictures that importance is measured on."),
        ),
        retained_data="needed",
    )

    def prepare(self, task: Task) -> None:
        """Measure the importance of every weight (diagonal Fisher information) for both sets."""
        pixels, labels = retained_batch(task, self.options)
        with task.phase("importance", len(pixels) + len(task.pixels)):
            self._on_retained = squared_gradients(task, pixels, labels)
            self._on_forgotten = squared_gradients(task, task.pixels, task.labels)
            weights = dict(task.module.named_parameters())
            # Frozen weights have no importance and stay as they are.
            self._start = {name: weights[name].detach().clone() for name in self._on_forgotten}
        self._threshold = float(self.options["threshold"])

    def advance(self, task: Task, optimiser: torch.optim.Optimizer) -> Losses:
        """Set θ = min(λ · I_r / I_f, 1) · θ₀ wherever I_f > α · I_r."""
        with torch.no_grad():
            weights = dict(task.module.named_parameters())
            for name, start in self._start.items():
                own, other = self._on_forgotten[name], self._on_retained[name]
                share = (self.options["dampening"] * other / own.clamp_min(1e-30)).clamp_max(1)
                chosen = own > self._threshold * other
                weights[name].copy_(torch.where(chosen, share * start, start))
            self._threshold *= 0.9
            return self.losses(task)

    def state(self) -> dict[str, Tensor]:
        """Return the current threshold."""
        return {"threshold": torch.tensor(self._threshold, dtype=torch.float64)}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Restore the threshold."""
        self._threshold = state["threshold"].item()


def squared_gradients(task: Task, pixels: Tensor, labels: Tensor) -> Importance:
    """Return for every weight the mean over the pictures of its squared gradient of the cross-entropy."""
    pairs = zip(pixels.split(1), labels.split(1), strict=True)
    scalars = ((lambda pair=pair: F.cross_entropy(task.module(pair[0]), pair[1])) for pair in pairs)
    return mean_gradient(task.module, scalars, len(pixels), torch.Tensor.square, task.check)
