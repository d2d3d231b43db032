"""amun: learn the nearest adversarial example of each instance under its wrong label.

Paper: AMUN (Ebrahimpour-Boroojeny et al., arXiv 2503.00917, section 4), with retained pictures or, as its
retain-free form, without. Deviations: the target of the attack is the runner-up class; the radius doubles
until every instance has an example, and an instance without one at the largest radius keeps its last attempt;
it runs until the goal is reached instead of for a number of epochs; BatchNorm statistics do not change.
"""

from __future__ import annotations

from unlearn_core.common.batches import in_batches
from unlearn_core.common.lazy_torch import F, Tensor, torch
from unlearn_core.forgetting.adversarial import targeted_l2_pgd
from unlearn_core.forgetting.entry import FORGET_BATCH, RETAINED_BATCH, STEP_SIZE, MethodEntry, Option
from unlearn_core.forgetting.goals import Relabel, runner_up
from unlearn_core.forgetting.methods.base import INFERENCE_BATCH, Losses, Task, logits_of
from unlearn_core.forgetting.methods.sgd import Sgd, forget_batch, with_retained

DOUBLINGS = 8


class Amun(Sgd):
    """Cross-entropy on adversarial examples with the original's predictions as labels."""

    entry = MethodEntry(
        name="amun",
        title="AMUN",
        summary="Learns the nearest adversarial example of each picture under its wrong label.",
        paper="arXiv 2503.00917",
        options=(
            STEP_SIZE,
            Option("radius", 0.25, 0.001, 100.0, "Where the search begins (L2, pixel values 0 to 1)."),
            Option("attack_iterations", 20, 1, 1000, "Steps of the attack at each radius."),
            FORGET_BATCH,
            RETAINED_BATCH,
        ),
        retained_data="optional",
    )

    def prepare(self, task: Task) -> None:
        """Find an adversarial example of each instance at the smallest possible radius."""
        with task.phase("attack"):
            self._targets = self._wanted(task)
            found = in_batches(
                lambda part: self._nearest(task, task.pixels[part], self._targets[part]),
                len(task.pixels),
                INFERENCE_BATCH,
            )
            self._examples = torch.cat(list(found))

    def losses(self, task: Task) -> Losses:
        """Return cross-entropy on a batch of the examples, plus that on retained pictures if any."""
        chosen = forget_batch(task, self.options)
        forget = F.cross_entropy(task.module(self._examples[chosen]), self._targets[chosen])
        return with_retained(task, self.options, forget)

    def _wanted(self, task: Task) -> Tensor:
        if isinstance(task.goal, Relabel):
            return task.goal.new_labels
        return runner_up(logits_of(task.module, task.pixels), task.labels)

    def _nearest(self, task: Task, pixels: Tensor, targets: Tensor) -> Tensor:
        found = pixels.clone()
        missing = torch.ones(len(pixels), dtype=torch.bool, device=pixels.device)
        radius = float(self.options["radius"])
        iterations = int(self.options["attack_iterations"])
        for _ in range(DOUBLINGS):
            found[missing] = targeted_l2_pgd(
                task.module,
                pixels[missing],
                targets[missing],
                radius=radius,
                step_size=2.5 * radius / iterations,
                iterations=iterations,
                starts=pixels[missing],
                stop_at_target=True,
                check=task.check,
            )
            with torch.no_grad():
                missing = task.module(found).argmax(1) != targets
            if not missing.any():
                break
            radius *= 2
        return found
