"""anchor: forget by a bounded margin loss, keep by matching the original logits near the forget set.

Ours; like the paper's it uses the classifier and the forget set alone. It differs from ADV (arXiv 2301.11578)
in five ways. The forget loss is relu(f_y − max of the others + margin), which stops pushing an instance that
is forgotten. The classifier is held by the squared difference from its *original logits*, summed over the
classes, instead of by cross-entropy to a label, which has no gradient where the classifier is sure. It is
held at *anchors*: the adversarial examples, points on the way to them, mixes and shifted copies of them, and
pictures inverted from the classifier's BatchNorm statistics (inversion.py), where it has any. The weight of
retention starts high and falls until the instances are forgotten, so that no more is given up than needed.
The step size is chosen such that, to first order, `PREDICTED_STEPS` steps of Adam lead to the goal, and the
last step is shortened. The classifier stays in eval mode: BatchNorm statistics do not drift.

In a chain of runs the anchors' logits are those of the classifier before the first run, and the earlier
forget sets stay part of what is to be forgotten.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unlearn_core.catalog.entries import SMALL
from unlearn_core.forgetting.adversarial import other_labels, random_start, targeted_l2_pgd
from unlearn_core.forgetting.importance import ImportancePenalty
from unlearn_core.forgetting.inversion import has_statistics, invert
from unlearn_core.forgetting.methods.base import Losses, Method, Task, draw, logits_of

ATTACK_BATCH = 256
EXAMPLES_OF_SMALL_PICTURES = 512
EXAMPLES_OF_LARGE_PICTURES = 16
INVERSIONS_OF_SMALL_PICTURES = 512
ANCHOR_BATCH_OF_SMALL_PICTURES = 192
ANCHOR_BATCH_OF_LARGE_PICTURES = 16
PREDICTED_STEPS = 10
SMALLEST_RATE = 1e-7
LARGEST_SHIFT = 0.15
"""Of the picture's side: how far the shifted anchors move at most."""


class Anchor(Method):
    """Margin loss on the forget set, logit matching on anchors, adaptive retention weight."""

    backs_off = True
    keeps_earlier = True

    def prepare(self, task: Task) -> None:
        """Make the anchors and note the original logits on them."""
        with task.phase("attack"):
            examples = self._attack(task)
            anchors = [widened(examples, self._centres, task.generator), *self._inversions(task)]
            self._anchors = torch.cat(anchors)
            self._logits = logits_of(task.original, self._anchors)
            self._predicted = self._logits.argmax(1)
        usual = ANCHOR_BATCH_OF_SMALL_PICTURES if is_small(task.pixels) else ANCHOR_BATCH_OF_LARGE_PICTURES
        self._anchor_batch = int(self.options["anchor_batch"]) or usual
        self._weight = float(self.options["retention"])
        self._rate = self.options["learning_rate"] or first_order_rate(task, self.options["margin"])
        self._penalty = None
        if self.options["importance_strength"]:
            with task.phase("importance"):
                strength = self.options["importance_strength"]
                self._penalty = ImportancePenalty(task.module, task.pixels, strength, task.check)

    def _attack(self, task: Task) -> Tensor:
        """Return adversarial examples, spread evenly over the forget set; few iterations are enough."""
        wanted = int(self.options["examples"]) or examples_for(task.pixels)
        copies = -(-wanted // len(task.pixels))
        self._centres = task.pixels.repeat_interleave(copies, 0)
        targets = other_labels(task.labels.repeat_interleave(copies), task.classes, task.generator)
        radius, iterations = self.options["radius"], int(self.options["attack_iterations"])
        return torch.cat(
            [
                targeted_l2_pgd(
                    task.original,
                    centres,
                    target,
                    radius=radius,
                    step_size=2 * radius / iterations,
                    iterations=iterations,
                    starts=random_start(centres, radius, task.generator),
                    check=task.check,
                )
                for centres, target in zip(
                    self._centres.split(ATTACK_BATCH), targets.split(ATTACK_BATCH), strict=True
                )
            ]
        )

    def _inversions(self, task: Task) -> list[Tensor]:
        """Return inverted pictures of random classes, started from mixes of shifted instances."""
        count = int(self.options["inversions"])
        count = count if count >= 0 else INVERSIONS_OF_SMALL_PICTURES if is_small(task.pixels) else 0
        if not count or not has_statistics(task.original):
            return []
        first, second = (
            shifted(
                task.pixels[torch.randint(len(task.pixels), (count,), generator=task.generator)],
                task.generator,
            )
            for _ in range(2)
        )
        share = torch.rand(count, 1, 1, 1, generator=task.generator).to(first.device)
        labels = torch.randint(task.classes, (count,), generator=task.generator).to(first.device)
        iterations = int(self.options["inversion_iterations"])
        return [invert(task.original, second + share * (first - second), labels, iterations, task.check)]

    def optimiser(self, module: nn.Module) -> torch.optim.Optimizer:
        """Return Adam without weight decay."""
        return torch.optim.Adam(module.parameters(), self._rate)

    def losses(self, task: Task) -> Losses:
        """Return margin loss + retention weight · squared logit difference on a batch of anchors."""
        device = task.pixels.device
        instances = draw(len(task.pixels), int(self.options["forget_batch"]), task.generator).to(device)
        chosen = draw(len(self._anchors), self._anchor_batch, task.generator).to(device)
        logits = task.module(torch.cat([task.pixels[instances], self._anchors[chosen]]))
        at_instances, at_anchors = logits.split([len(instances), len(chosen)])
        forget = task.goal.margin_loss(at_instances, instances, self.options["margin"]).mean()
        retain = (at_anchors - self._logits[chosen]).square().sum(1).mean()
        agreement = (at_anchors.argmax(1) == self._predicted[chosen]).float().mean()
        total = forget + self._weight * retain
        if self._penalty is not None:
            total = total + self._penalty(task.module)
        return Losses(total, forget, retain, agreement)

    def adapt(self, step: int, forgotten: Tensor) -> None:
        """Lower the retention weight by a tenth every five steps."""
        if step % 5 == 0:
            self._weight *= 0.9

    def retention_weight(self) -> float:
        """Return the present weight of the logit matching."""
        return self._weight

    def state(self) -> dict[str, Tensor]:
        """Return the retention weight."""
        return {"weight": torch.tensor(self._weight, dtype=torch.float64)}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Take up the retention weight."""
        self._weight = state["weight"].item()


def first_order_rate(task: Task, margin: float) -> float:
    """Return the step size at which `PREDICTED_STEPS` steps of Adam would lead to the goal.

    Adam's first step moves every weight by the step size against the sign of its gradient, so to first order
    it lowers the loss by the step size times the gradient's L1 norm.
    """
    loss = torch.zeros((), device=task.pixels.device)
    task.module.zero_grad(set_to_none=True)
    for instances in torch.arange(len(task.pixels), device=task.pixels.device).split(ATTACK_BATCH):
        part = task.goal.margin_loss(task.module(task.pixels[instances]), instances, margin).sum()
        part.backward()
        loss = loss + part.detach()
    norm = sum(p.grad.abs().sum() for p in task.module.parameters() if p.grad is not None)
    task.module.zero_grad(set_to_none=True)
    return float(loss / PREDICTED_STEPS / norm) if norm and loss else SMALLEST_RATE


def examples_for(pixels: Tensor) -> int:
    """Return how many adversarial examples to make in all: fewer where each costs more."""
    return EXAMPLES_OF_SMALL_PICTURES if is_small(pixels) else EXAMPLES_OF_LARGE_PICTURES


def is_small(pixels: Tensor) -> bool:
    """Tell whether pictures (n, c, h, w) are so small that many of them cost little."""
    return pixels.shape[-1] <= SMALL


def widened(examples: Tensor, centres: Tensor, generator: torch.Generator) -> Tensor:
    """Return four anchors for each example: itself, a point on the way to it, a mix and a shifted copy.

    Args:
        examples: adversarial pictures (n, c, h, w).
        centres: the pictures they started from, in the same order.
        generator: on the CPU.
    """

    def shares() -> Tensor:
        return torch.rand(len(examples), 1, 1, 1, generator=generator).to(examples.device)

    on_the_way = centres + shares() * (examples - centres)
    partners = examples[torch.randperm(len(examples), generator=generator).to(examples.device)]
    mixed = partners + shares() * (examples - partners)
    return torch.cat([examples, on_the_way, mixed, shifted(examples, generator)])


def shifted(pixels: Tensor, generator: torch.Generator) -> Tensor:
    """Return pictures shifted by up to `LARGEST_SHIFT` of their side in both directions, edges repeated."""
    shift = (torch.rand(len(pixels), 2, 1, generator=generator) * 2 - 1) * 2 * LARGEST_SHIFT
    turn = torch.eye(2).expand(len(pixels), 2, 2)
    grid = F.affine_grid(
        torch.cat([turn, shift], 2).to(pixels.device), list(pixels.shape), align_corners=False
    )
    return F.grid_sample(pixels, grid, padding_mode="border", align_corners=False)
