"""anchor: forget with a bounded margin loss, retain by matching the original logits near the forget set.

This project's method; like the paper's it uses only the classifier and the forget set. It differs from ADV
(arXiv 2301.11578) in seven ways:

1. The forget loss is relu(f_y − max of the others + margin), which is 0 for a forgotten instance.
2. The retention loss is the squared difference from the *original logits*, summed over the classes, instead
   of cross-entropy to a label, whose gradient vanishes for confident predictions.
3. It is computed on *anchors*: adversarial examples, points between them and their instance, mixes and
   shifted copies of them, and pictures inverted from BatchNorm statistics (inversion.py), if there are any.
4. The retention weight starts high and decreases until the instances are forgotten.
5. For small pictures Adam's steps are preconditioned by the importance for the anchors (preconditioning.py).
6. The step size is chosen such that, to first order, `PREDICTED_STEPS` steps reach the goal, and the last
   step is shortened.
7. For small pictures a repair phase of twice as many steps follows: with a smaller margin, a step size that
   decreases to 0 and the final retention weight it restores the original logits while all stays forgotten.

The classifier stays in eval mode: BatchNorm statistics do not change. In a chain of runs the anchors' logits
are those of the classifier before the first run, and the earlier forget sets stay part of the forget set with
the smaller margin.
"""

from __future__ import annotations

from collections.abc import Sequence

from unlearn_core.common.batches import batches_in, draw, in_batches
from unlearn_core.common.budget import SMALL
from unlearn_core.common.lazy_torch import Tensor, nn, torch
from unlearn_core.forgetting.adversarial import other_labels, random_start, targeted_l2_pgd
from unlearn_core.forgetting.entry import MethodEntry, Option
from unlearn_core.forgetting.importance import ImportancePenalty
from unlearn_core.forgetting.inversion import BATCH as INVERSION_BATCH
from unlearn_core.forgetting.inversion import has_statistics, invert
from unlearn_core.forgetting.methods.base import INFERENCE_BATCH, Losses, Method, Task, logits_of
from unlearn_core.forgetting.picture_store import PictureStore
from unlearn_core.forgetting.precision import Classify, in_bfloat16, pays
from unlearn_core.forgetting.preconditioning import PROBE_BATCH, PROBES, sparing_adam, sparing_scales
from unlearn_core.forgetting.relatives import Relatives, shifted, shifts

ATTACK_BATCH = 256
EXAMPLES_OF_SMALL_PICTURES = 512
EXAMPLES_OF_LARGE_PICTURES = 16
INVERSIONS_OF_SMALL_PICTURES = 512
ANCHOR_BATCH_OF_SMALL_PICTURES = 192
ANCHOR_BATCH_OF_LARGE_PICTURES = 16
PREDICTED_STEPS = 10
SMALLEST_RATE = 1e-7
REPAIR_SHARE, REPAIR_RATE, REPAIR_MARGIN = 2, 0.5, 0.2
"""Of the repair phase: steps per step before, and initial step size and margin relative to before."""


class Anchor(Method):
    """Margin loss on the forget set, logit matching on anchors, adaptive retention weight."""

    entry = MethodEntry(
        name="anchor",
        title="Anchor",
        summary="Forgets each picture just enough and holds the classifier in place around it.",
        paper="this project, after arXiv 2301.11578",
        options=(
            Option("learning_rate", 0.0, 0.0, 1.0, "Size of the optimiser's steps; 0 chooses."),
            Option("margin", 1.0, 0.0, 100.0, "How far another class must lead, in logits."),
            Option("retention", 0.5, 0.0, 1e6, "Weight of keeping the rest, at the start."),
            Option("radius", 4.0, 0.01, 100.0, "How far anchors may go (L2, pixel values 0 to 1)."),
            Option("examples", 0, 0, 100_000, "Adversarial examples in all; 0 chooses by picture size."),
            Option("attack_iterations", 5, 1, 1000, "Steps of the attack."),
            Option("inversions", -1, -1, 100_000, "Pictures inverted from BatchNorm statistics; -1 chooses."),
            Option("inversion_iterations", 20, 1, 1000, "Steps of the inversion."),
            Option("anchor_batch", 0, 0, 4096, "Anchors in each step; 0 chooses by picture size."),
            Option("forget_batch", 256, 1, 4096, "Pictures to forget in each step."),
            Option("sparing", -1.0, -1.0, 1.0, "How much steps spare what matters to anchors; -1 chooses."),
            Option(
                "settling", -1.0, -1.0, 10.0, "Steps after all is forgotten, per step before; -1 chooses."
            ),
            Option(
                "importance_strength", 0.0, 0.0, 1e6, "How strongly unimportant weights are held; 0: not."
            ),
            Option("bfloat16", -1, -1, 1, "Calculate in bfloat16: 1 yes, 0 no; -1 where it is faster."),
        ),
    )

    backs_off = True
    keeps_earlier = True

    def prepare(self, task: Task) -> None:
        """Make the anchors and compute the original logits on them."""
        reduced = self.options["bfloat16"]
        self._reduced = pays(task.module, task.pixels.device) if reduced < 0 else bool(reduced)
        self._classify = self._called(task.module)
        with task.phase("attack", self._checks(task)):
            self._anchors = self._made(task)
            self._logits = self._logits_of_anchors(task.original)
            # Computed as in a step, so that rounding makes no difference.
            self._rounded = (
                self._logits_of_anchors(self._called(task.original)) if self._reduced else self._logits
            )
            self._predicted = self._logits.argmax(1)
        self._small = is_small(task.pixels)
        if not self.options["anchor_batch"]:
            usual = ANCHOR_BATCH_OF_SMALL_PICTURES if self._small else ANCHOR_BATCH_OF_LARGE_PICTURES
            self.options = self.options | {"anchor_batch": usual}
        self._weight = float(self.options["retention"])
        self._margins = torch.full(task.labels.shape, self.options["margin"], device=task.pixels.device)
        if task.asked is not None:
            self._margins[task.asked :] *= REPAIR_MARGIN
        self._repairing = False
        self._scales = self._sparing(task)
        self._rate = self.options["learning_rate"] or first_order_rate(task, self._margins, self._scales)
        self._penalty = None
        if self.options["importance_strength"]:
            with task.phase("importance", len(task.pixels)):
                strength = self.options["importance_strength"]
                self._penalty = ImportancePenalty(task.module, task.pixels, strength, task.check)

    def _sparing(self, task: Task) -> list[Tensor] | None:
        """Return the scale of each weight's steps, by its importance for a sample of the anchors."""
        exponent = float(self.options["sparing"])
        exponent = float(self._small) if exponent < 0 else exponent
        if not exponent:
            return None
        probes = torch.linspace(0, len(self._anchors) - 1, PROBES * PROBE_BATCH).long().split(PROBE_BATCH)
        classify = self._called(task.module)
        batches = ((lambda probe=probe: classify(self._anchors.take(probe))) for probe in probes)
        with task.phase("importance", PROBES):
            return sparing_scales(task.module, batches, PROBES, exponent, task.generator, task.check)

    def _called(self, module: nn.Module) -> Classify:
        """Return the function for logits with gradients; predictions are always float32."""
        return in_bfloat16(module) if self._reduced else module

    def _made(self, task: Task) -> PictureStore:
        """Return the anchors: adversarial examples, three relatives of each, and inverted pictures."""
        copies = self._copies(task)
        count, inversions = copies * len(task.pixels), self._inversion_count(task)
        anchors = PictureStore(4 * count + inversions, tuple(task.pixels.shape[1:]), task.pixels.device)
        self._attack(task, anchors, copies)
        relatives = Relatives(count, task.generator)
        for positions in torch.arange(count).split(ATTACK_BATCH):
            centres = task.pixels[positions.to(task.pixels.device) // copies]
            for kind, pictures in enumerate(relatives.of(positions, anchors, centres), start=1):
                anchors.put(kind * count + int(positions[0]), pictures)
        if inversions:
            self._invert(task, anchors, inversions)
        return anchors

    def _copies(self, task: Task) -> int:
        """Return the number of adversarial examples per instance."""
        return batches_in(int(self.options["examples"]) or examples_for(task.pixels), len(task.pixels))

    def _checks(self, task: Task) -> int:
        """Return the total number of iterations of attack and inversion."""
        attacks = batches_in(self._copies(task) * len(task.pixels), ATTACK_BATCH)
        inversions = batches_in(self._inversion_count(task), INVERSION_BATCH)
        return attacks * int(self.options["attack_iterations"]) + inversions * int(
            self.options["inversion_iterations"]
        )

    def _attack(self, task: Task, anchors: PictureStore, copies: int) -> None:
        """Store adversarial examples, spread evenly over the forget set; few iterations suffice."""
        targets = other_labels(task.labels.repeat_interleave(copies), task.classes, task.generator)
        radius, iterations = self.options["radius"], int(self.options["attack_iterations"])
        classify = self._called(task.original)

        def attack(part: slice) -> None:
            centres = task.pixels[torch.arange(part.start, part.stop, device=task.pixels.device) // copies]
            found = targeted_l2_pgd(
                classify,
                centres,
                targets[part],
                radius=radius,
                step_size=2 * radius / iterations,
                iterations=iterations,
                starts=random_start(centres, radius, task.generator),
                check=task.check,
            )
            anchors.put(part.start, found)

        for _ in in_batches(attack, len(targets), ATTACK_BATCH):
            pass

    def _inversion_count(self, task: Task) -> int:
        count = int(self.options["inversions"])
        usual = INVERSIONS_OF_SMALL_PICTURES if is_small(task.pixels) else 0
        return (usual if count < 0 else count) if has_statistics(task.original) else 0

    def _invert(self, task: Task, anchors: PictureStore, count: int) -> None:
        """Store inverted pictures of random classes at the end, started from mixes of shifted instances."""
        first, second = (
            shifted(
                task.pixels[torch.randint(len(task.pixels), (count,), generator=task.generator)],
                shifts(count, task.generator),
            )
            for _ in range(2)
        )
        share = torch.rand(count, 1, 1, 1, generator=task.generator).to(first.device)
        labels = torch.randint(task.classes, (count,), generator=task.generator).to(first.device)
        found = invert(
            task.original,
            second + share * (first - second),
            labels,
            int(self.options["inversion_iterations"]),
            task.check,
            self._called(task.original),
        )
        anchors.put(len(anchors) - count, found)

    def optimiser(self, module: nn.Module) -> torch.optim.Optimizer:
        """Return Adam without weight decay, preconditioned by the importance for the anchors."""
        if self._scales is None:
            return torch.optim.Adam(module.parameters(), self._rate)
        return sparing_adam((p for p in module.parameters() if p.requires_grad), self._rate, self._scales)

    def losses(self, task: Task) -> Losses:
        """Return margin loss + retention weight · squared logit difference on a batch of anchors."""
        device = task.pixels.device
        instances = draw(len(task.pixels), int(self.options["forget_batch"]), task.generator).to(device)
        chosen = draw(len(self._anchors), int(self.options["anchor_batch"]), task.generator)
        logits = self._classify(torch.cat([task.pixels[instances], self._anchors.take(chosen)]))
        chosen = chosen.to(device)
        at_instances, at_anchors = logits.split([len(instances), len(chosen)])
        forget = task.goal.margin_loss(at_instances, instances, self._margins[instances]).mean()
        retain = (at_anchors - self._rounded[chosen]).square().sum(1).mean()
        agreement = (at_anchors.argmax(1) == self._predicted[chosen]).float().mean()
        total = forget + self._weight * retain
        if self._penalty is not None:
            total = total + self._penalty(task.module)
        return Losses(total, forget, retain, agreement)

    def adapt(self, step: int, forgotten: Tensor) -> None:
        """Lower the retention weight by a tenth every five steps."""
        if step % 5 == 0 and not self._repairing:
            self._weight *= 0.9

    def repair_steps(self, step: int) -> int:
        """Return twice as many steps, or the given number per step; by default none for large pictures."""
        share = self.options["settling"]
        return round(step * (share if share >= 0 else REPAIR_SHARE * self._small))

    def start_repair_step(self, optimiser: torch.optim.Optimizer, left: float) -> None:
        """Lower the margin, fix the retention weight and decrease the step size to 0."""
        self._repairing = True
        self._margins.fill_(REPAIR_MARGIN * self.options["margin"])
        for group in optimiser.param_groups:
            group["lr"] = REPAIR_RATE * left * self._rate

    def damage(self, task: Task) -> float:
        """Return the squared logit difference, averaged over all anchors."""
        return float((self._logits_of_anchors(task.module) - self._logits).square().sum(1).mean())

    def _logits_of_anchors(self, classify: Classify) -> Tensor:
        return torch.cat([logits_of(classify, part) for part in self._anchors.batches(INFERENCE_BATCH)])

    def retention_weight(self) -> float:
        """Return the current weight of the logit matching."""
        return self._weight

    def state(self) -> dict[str, Tensor]:
        """Return the retention weight."""
        return {"weight": torch.tensor(self._weight, dtype=torch.float64)}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Restore the retention weight."""
        self._weight = state["weight"].item()


def first_order_rate(task: Task, margins: Tensor, scales: list[Tensor] | None = None) -> float:
    """Return the step size at which `PREDICTED_STEPS` steps of Adam would reach the goal.

    Adam's first step moves every weight by the step size (times its scale) against the sign of its gradient,
    so to first order it lowers the loss by the step size times the (scaled) gradient's L1 norm.
    """
    loss = torch.zeros((), device=task.pixels.device)
    task.module.zero_grad(set_to_none=True)
    for instances in torch.arange(len(task.pixels), device=task.pixels.device).split(ATTACK_BATCH):
        part = task.goal.margin_loss(task.module(task.pixels[instances]), instances, margins[instances]).sum()
        part.backward()
        loss = loss + part.detach()
    weights = [p for p in task.module.parameters() if p.requires_grad]
    factors: Sequence[Tensor | float] = [1.0] * len(weights) if scales is None else scales
    pairs = zip(weights, factors, strict=True)
    norm = sum((p.grad.abs() * factor).sum() for p, factor in pairs if p.grad is not None)
    task.module.zero_grad(set_to_none=True)
    return float(loss / PREDICTED_STEPS / norm) if norm and loss else SMALLEST_RATE


def examples_for(pixels: Tensor) -> int:
    """Return the total number of adversarial examples: fewer for large pictures."""
    return EXAMPLES_OF_SMALL_PICTURES if is_small(pixels) else EXAMPLES_OF_LARGE_PICTURES


def is_small(pixels: Tensor) -> bool:
    """Return whether pictures (n, c, h, w) count as small."""
    return pixels.shape[-1] <= SMALL
