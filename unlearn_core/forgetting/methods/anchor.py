"""anchor: forget with a bounded margin loss, retain by matching the original logits near the forget set.

This project's method; like the paper's it uses only the classifier and the forget set. It differs from ADV
(arXiv 2301.11578) in eight ways:

1. The forget loss is relu(f_y − max of the others + margin), which is 0 for a forgotten instance.
2. The retention loss is the squared difference from the *original logits*, summed over the classes, instead
   of cross-entropy to a label, whose gradient vanishes for confident predictions.
3. It is computed on *anchors* (anchor_pictures.py): strongly deformed copies of the instances, which look
   like other pictures of their classes, and a few adversarial examples with relatives. StructGuard's anchors
   (arXiv 2603.12915) are something else: embeddings of texts that describe the classes.
4. The retention weight starts high and decreases until the instances are forgotten.
5. For small pictures Adam's steps are preconditioned by the importance for the anchors (preconditioning.py).
6. The step size is chosen such that, to first order, a few steps reach the goal (anchor_step_size.py), and
   the last step is shortened.
7. For small pictures a shorter repair phase follows: with a smaller margin, a step size that decreases to 0
   and the final retention weight it restores the original logits while all stays forgotten.
8. The depths firm and deep demand more than the forget set itself (anchor_depth.py): deformed views of it,
   and rounded weights.

The classifier stays in eval mode: BatchNorm statistics do not change. In a chain of runs the anchors' logits
are those of the classifier before the first run, and the earlier forget sets stay part of the forget set with
the smaller margin.
"""

from __future__ import annotations

from unlearn_core.common.batches import draw
from unlearn_core.common.budget import SMALL, Budget
from unlearn_core.common.lazy_torch import Tensor, nn, torch
from unlearn_core.forgetting.depths import DEPTH_OPTION, DEPTHS, default_depth
from unlearn_core.forgetting.entry import MethodEntry, Option
from unlearn_core.forgetting.goals import Misclassify
from unlearn_core.forgetting.importance import ImportancePenalty, mas_importance
from unlearn_core.forgetting.methods.anchor_depth import DepthDemands
from unlearn_core.forgetting.methods.anchor_pictures import AnchorCounts, AnchorMaker
from unlearn_core.forgetting.methods.anchor_step_size import first_order_rate
from unlearn_core.forgetting.methods.base import INFERENCE_BATCH, Losses, Method, Task, logits_of
from unlearn_core.forgetting.precision import Classify, in_bfloat16, pays
from unlearn_core.forgetting.preconditioning import PROBE_BATCH, PROBES, sparing_adam, sparing_scales

EXAMPLES = Budget(32, 4)
DEFORMED = Budget(1024, 16)
"""Deformed copies; more with views."""
COPIES_OF_EACH, MOST_COPIES = 32, 8192
"""Of small pictures: so many deformed copies of each instance where that is more, up to a number in all."""
ANCHOR_BATCH = Budget(32, 8)
"""Anchors in each step; more with views."""
MOST_IN_BATCH = 256
"""Of small pictures: as many anchors in each step as instances where that is more, up to this number."""
FEW_IN_BATCH = 4
"""Of large pictures that get no new label: two anchors for each where that is less, at least this number."""
MORE_COPIES, MORE_IN_BATCH, MORE_RETENTION = Budget(4, 2), Budget(3, 2), Budget(3, 1)
"""With views: so many times the deformed copies, anchors in each step and retention weight at the start."""
WHOLE_AT = 16
"""Up to here instances are few. From here on that holds; for fewer the excess over 1 is in proportion."""
DAMAGE_ANCHORS, SHOWN = 256, 12
"""Anchors on which damage is measured, and those that a report receives as pictures."""
REPAIR_SHARE, REPAIR_SHARE_OF_FEW, FEWEST_REPAIRS, REPAIR_RATE = 0.7, 0.4, 5, 0.5
"""Of the repair phase: steps per step, those with views or few instances, the fewest, relative step size."""
MARGIN_WITH_VIEWS = 0.3
"""With views: the margin relative to the option."""
REPAIR_MARGIN, REPAIR_MARGIN_WITH_VIEWS = 0.2, 0.5
"""Margin of the repair phase relative to before."""


class Anchor(Method):
    """Margin loss on the forget set, logit matching on anchors, adaptive retention weight, depth."""

    entry = MethodEntry(
        name="anchor",
        title="Anchor",
        summary="Forgets each picture as deeply as asked and holds the classifier in place around it.",
        paper="this project, after arXiv 2301.11578",
        options=(
            DEPTH_OPTION,
            Option("learning_rate", 0.0, 0.0, 1.0, "Size of the optimiser's steps; 0 chooses."),
            Option("margin", 1.0, 0.0, 100.0, "How far another class must lead, in logits."),
            Option("retention", 0.5, 0.0, 1e6, "Weight of keeping the rest; firm and deep begin with more."),
            Option("radius", 4.0, 0.01, 100.0, "How far anchors may go (L2, pixel values 0 to 1)."),
            Option("examples", 0, 0, 100_000, "Adversarial examples in all; 0 chooses by picture size."),
            Option("attack_iterations", 3, 1, 1000, "Steps of the attack."),
            Option("deformed", -1, -1, 100_000, "Deformed copies as anchors; -1 chooses by picture size."),
            Option("inversions", 0, -1, 100_000, "Pictures inverted from BatchNorm statistics; -1: none."),
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

    prepares_ahead = True
    backs_off = True
    keeps_earlier = True

    def prepare(self, task: Task) -> None:
        """Make the anchors and compute the original logits on them."""
        reduced = self.options["bfloat16"]
        self._reduced = pays(task.module, task.pixels.device) if reduced < 0 else bool(reduced)
        self._classify = self._called(task.module)
        self._small = is_small(task.pixels)
        asked = int(self.options["depth"])
        self._depth = DEPTHS[asked if asked >= 0 else self._default_depth(task.pixels)]
        maker = AnchorMaker(task, self._counts(task.pixels), self._called(task.original))
        with task.phase("attack", maker.checks):
            task.counted(maker.total)
            self._anchors = maker.make()
            # Not at equal distances: copies stand in the order of the instances, and all could be of one.
            spread = torch.linspace(0, maker.total - 1, SHOWN).long() + torch.arange(SHOWN)
            task.showed(self._anchors.take(spread % maker.total))
            # Computed as in a step, so that rounding makes no difference.
            self._logits = self._logits_of_anchors(self._called(task.original))
            self._predicted = self._logits.argmax(1)
        views = self._depth.views
        self._demands = DepthDemands(task, views) if views else None
        if not self.options["anchor_batch"]:
            self.options = self.options | {"anchor_batch": self._batch_of_anchors(task)}
        self._margins = torch.full(task.labels.shape, self._margin, device=task.pixels.device)
        self._weight = float(self.options["retention"]) / (1 if self._small else self._lack(task))
        self._weight *= self._times(MORE_RETENTION, task.pixels)
        if task.asked is not None:
            self._margins[task.asked :] *= self._repair_margin
        self._repairing = False
        self._scales = self._sparing(task)
        self._rate = self.options["learning_rate"] or first_order_rate(task, self._margins, self._scales)
        self._penalty = None
        if strength := self.options["importance_strength"]:
            with task.phase("importance", len(task.pixels)):
                importance = mas_importance(task.module, task.pixels, task.check)
                self._penalty = ImportancePenalty(task.module, importance, strength)

    @staticmethod
    def _default_depth(pixels: Tensor) -> int:
        instances, channels, _, side = pixels.shape
        return default_depth(side, channels, instances)

    def _lack(self, task: Task) -> float:
        """Return how many logits the forget set lacks to be forgotten, at least 1, averaged.

        Changes grow with it, and their squares more: a photo's new label may be far from all that it looks
        like, and a full retention loss would keep it from ever getting there.
        """
        everyone = torch.arange(len(task.pixels), device=task.pixels.device)
        lacks = task.goal.margin_loss(logits_of(task.module, task.pixels), everyone, self._margins)
        return max(1.0, float(lacks.mean()))

    def _counts(self, pixels: Tensor) -> AnchorCounts:
        side, copies = pixels.shape[-1], int(self.options["deformed"])
        usual = round(DEFORMED.of(side) * self._times(MORE_COPIES, pixels))
        if self._small:
            usual = max(usual, min(COPIES_OF_EACH * len(pixels), MOST_COPIES))
        return AnchorCounts(
            examples=int(self.options["examples"]) or EXAMPLES.of(side),
            attack_iterations=int(self.options["attack_iterations"]),
            radius=float(self.options["radius"]),
            deformed=copies if copies >= 0 else usual,
            inversions=max(0, int(self.options["inversions"])),
            inversion_iterations=int(self.options["inversion_iterations"]),
        )

    def _batch_of_anchors(self, task: Task) -> int:
        instances, usual = len(task.pixels), ANCHOR_BATCH.of(task.pixels.shape[-1])
        if not self._small and isinstance(task.goal, Misclassify):
            usual = min(usual, max(2 * instances, FEW_IN_BATCH))
        usual = round(usual * self._times(MORE_IN_BATCH, task.pixels))
        return max(usual, min(instances, MOST_IN_BATCH)) if self._small else usual

    def _times(self, more: Budget, pixels: Tensor) -> float:
        """Return how many times the usual the depth takes for these instances."""
        excess = more.of(pixels.shape[-1]) - 1 if self._depth.views else 0
        return 1 + excess * min(1, len(pixels) / WHOLE_AT)

    @property
    def _margin(self) -> float:
        return float(self.options["margin"]) * (MARGIN_WITH_VIEWS if self._depth.views else 1)

    @property
    def _repair_margin(self) -> float:
        return REPAIR_MARGIN_WITH_VIEWS if self._depth.views else REPAIR_MARGIN

    def _sparing(self, task: Task) -> list[Tensor] | None:
        """Return the scale of each weight's steps, by its importance for a sample of the anchors."""
        exponent = float(self.options["sparing"])
        exponent = float(self._small) if exponent < 0 else exponent
        if not exponent:
            return None
        count = PROBES * 2 if self._depth.views else PROBES
        probes = torch.linspace(0, len(self._anchors) - 1, count * PROBE_BATCH).long().split(PROBE_BATCH)
        classify = self._called(task.module)
        batches = ((lambda probe=probe: classify(self._anchors.take(probe))) for probe in probes)
        with task.phase("importance", count):
            return sparing_scales(task.module, batches, count, exponent, task.generator, task.check)

    def _called(self, module: Classify) -> Classify:
        """Return the function for logits with gradients; predictions are always float32."""
        return in_bfloat16(module) if self._reduced else module

    def optimiser(self, module: nn.Module) -> torch.optim.Optimizer:
        """Return Adam without weight decay, preconditioned by the importance for the anchors."""
        if self._scales is None:
            return torch.optim.Adam(module.parameters(), self._rate)
        return sparing_adam((p for p in module.parameters() if p.requires_grad), self._rate, self._scales)

    def losses(self, task: Task) -> Losses:
        """Return margin loss + retention weight · retention loss on a batch of anchors."""
        device = task.pixels.device
        instances = draw(len(task.pixels), int(self.options["forget_batch"]), task.generator).to(device)
        views, viewed = task.pixels[:0], instances[:0]
        if self._demands:
            views, viewed = self._demands.draw_views(task, instances)
        chosen = draw(len(self._anchors), int(self.options["anchor_batch"]), task.generator)
        logits = self._classify(torch.cat([task.pixels[instances], views, self._anchors.take(chosen)]))
        chosen = chosen.to(device)
        at_instances, at_views, at_anchors = logits.split([len(instances), len(views), len(chosen)])
        forget = task.goal.margin_loss(at_instances, instances, self._margins[instances]).mean()
        if self._demands:
            forget = forget + self._demands.loss_of_views(task, at_views, viewed)
            at_rounded = self._called(self._demands.rounded(task.module))(task.pixels[instances])
            forget = forget + self._demands.loss_of_rounded(task, at_rounded, instances)
        retain = self._retention(at_anchors, chosen)
        agreement = (at_anchors.argmax(1) == self._predicted[chosen]).float().mean()
        total = forget + self._weight * retain
        if self._penalty is not None:
            total = total + self._penalty(task.module)
        return Losses(total, forget, retain, agreement)

    def _retention(self, logits: Tensor, chosen: Tensor) -> Tensor:
        """Return how far the logits of the chosen anchors are from the original ones."""
        loss = (logits - self._logits[chosen]).square().sum(1).mean()
        if self._demands:
            self._demands.note_cost(float(loss.detach()))
        return loss

    def adapt(self, step: int, forgotten: Tensor) -> None:
        """Lower the retention weight by a tenth every five steps."""
        if step % 5 == 0 and not self._repairing:
            self._weight *= 0.9

    def demands_more(self, task: Task) -> bool:
        """Return whether the depth demands more than is forgotten."""
        return self._demands is not None and self._demands.demands_more(task)

    def demanded_share(self) -> float | None:
        """Return how much of what the depth demands is reached."""
        return self._demands.share if self._demands else None

    def holds(self, task: Task) -> bool:
        """Return whether the instances are forgotten as deeply as the repair phase keeps them."""
        return self._demands is None or self._demands.holds(task)

    def repair_steps(self, step: int) -> int:
        """Return how many repair steps follow so many steps; by default none for large pictures."""
        if (share := self.options["settling"]) >= 0:
            return round(share * step)
        few = self._demands or len(self._margins) <= WHOLE_AT
        usual = max(REPAIR_SHARE_OF_FEW * step, FEWEST_REPAIRS) if few else REPAIR_SHARE * step
        return round(self._small * usual)

    def start_repair_step(self, optimiser: torch.optim.Optimizer, left: float) -> None:
        """Lower the margin, fix the retention weight and decrease the step size to 0."""
        self._repairing = True
        self._margins.fill_(self._repair_margin * self._margin)
        for group in optimiser.param_groups:
            group["lr"] = REPAIR_RATE * left * self._rate

    def damage(self, task: Task) -> float:
        """Return the squared logit difference, averaged over anchors spread over all kinds of them."""
        chosen = torch.linspace(0, len(self._anchors) - 1, min(DAMAGE_ANCHORS, len(self._anchors))).long()
        logits = logits_of(self._called(task.module), self._anchors.take(chosen))
        return float((logits - self._logits[chosen.to(logits.device)]).square().sum(1).mean())

    def _logits_of_anchors(self, classify: Classify) -> Tensor:
        return torch.cat([logits_of(classify, part) for part in self._anchors.batches(INFERENCE_BATCH)])

    def retention_weight(self) -> float:
        """Return the current weight of the retention loss."""
        return self._weight

    def state(self) -> dict[str, Tensor]:
        """Return the retention weight, and the state of what the depth demands."""
        weight = {"weight": torch.tensor(self._weight, dtype=torch.float64)}
        return weight | (self._demands.state() if self._demands else {})

    def restore(self, state: dict[str, Tensor]) -> None:
        """Restore a state from `state()`."""
        self._weight = state["weight"].item()
        if self._demands:
            self._demands.restore(state)


def is_small(pixels: Tensor) -> bool:
    """Return whether pictures (n, c, h, w) count as small."""
    return pixels.shape[-1] <= SMALL
