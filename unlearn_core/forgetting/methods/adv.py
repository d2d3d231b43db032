"""ADV: retain the decision boundary with adversarial examples of the forget set.

Paper: arXiv 2301.11578, section 3.2. For each x in D_f, N targeted L2-PGD adversarial examples of the
original classifier, each toward a random label other than y; the classifier is trained on those labels while
it forgets. What the text leaves open is done as in the authors' code:

* The attack starts at the edge of the ball, from x toward a picture of uniformly random pixels, or at that
  picture if it lies inside. The option `start_inside` spreads starts over the ball instead.
* A step of the attack is clamped to [0, 1] first and moved into the ball then, and is shorter where the
  gradient is tiny, as in advertorch's L2PGDAttack.
* Both losses are weighted by their share of the pictures of the step.
* Examples and forget set are two batches, examples first, which matters to BatchNorm statistics. Batches
  follow each other in order: one example of every picture of a forget batch, then the next one of each.

Deviations from that code: targets are drawn from all classes but y (there they could be y, and there were ten
labels whatever the classes), as many pictures are attacked at once as `attack_batch` says (there a forget
batch), and examples that need much memory are in a file.
"""

from __future__ import annotations

from unlearn_core.common.batches import batches_in, in_batches
from unlearn_core.common.lazy_torch import F, torch
from unlearn_core.forgetting.adversarial import (
    other_labels,
    random_start,
    start_on_sphere,
    targeted_l2_pgd,
)
from unlearn_core.forgetting.entry import ATTACK, FORGET_BATCH, STEP_SIZE, MethodEntry
from unlearn_core.forgetting.methods.base import Losses, Task
from unlearn_core.forgetting.methods.neggrad import NegGrad
from unlearn_core.forgetting.picture_store import PictureStore


class Adv(NegGrad):
    """NegGrad plus cross-entropy on adversarial examples, each weighted by its share of the batch."""

    entry = MethodEntry(
        name="adv",
        title="ADV",
        summary="Adversarial examples alone, without weight importance.",
        paper="arXiv 2301.11578, section 3.2",
        options=(STEP_SIZE, *ATTACK, FORGET_BATCH),
    )

    def prepare(self, task: Task) -> None:
        """Attack the original classifier."""
        super().prepare(task)
        copies, batch = int(self.options["examples"]), int(self.options["attack_batch"])
        batches = batches_in(copies * len(task.pixels), batch)
        with task.phase("attack", batches * int(self.options["attack_iterations"])):
            instances = torch.arange(len(task.pixels)).split(int(self.options["forget_batch"]))
            order = torch.cat([one.repeat(copies) for one in instances]).to(task.pixels.device)
            task.counted(len(order))
            self._targets = other_labels(task.labels[order], task.classes, task.generator)
            self._examples = PictureStore(len(order), tuple(task.pixels.shape[1:]), task.pixels.device)
            start = random_start if self.options["start_inside"] else start_on_sphere

            def attack(part: slice) -> None:
                centres = task.pixels[order[part]]
                found = targeted_l2_pgd(
                    task.module,
                    centres,
                    self._targets[part],
                    radius=self.options["radius"],
                    step_size=self.options["attack_step"],
                    iterations=int(self.options["attack_iterations"]),
                    starts=start(centres, self.options["radius"], task.generator),
                    stop_at_target=bool(self.options["stop_at_target"]),
                    as_advertorch=True,
                    check=task.check,
                )
                self._examples.put(part.start, found)

            for _ in in_batches(attack, len(order), batch):
                pass

    def losses(self, task: Task) -> Losses:
        """Return goal · n_f / (n_f + n_a) + CE(f(x'), target) · n_a / (n_f + n_a)."""
        chosen = self.batch(len(self._examples), "adversarial_batch")
        logits = task.module(self._examples.take(chosen))
        chosen = chosen.to(task.pixels.device)
        retain = F.cross_entropy(logits, self._targets[chosen])
        forget = super().losses(task)
        forget_count = len(self.batch(len(task.pixels), "forget_batch"))
        share = forget_count / (forget_count + len(chosen))
        agreement = (logits.argmax(1) == self._targets[chosen]).float().mean()
        return Losses(share * forget.total + (1 - share) * retain, forget.forget, retain, agreement)
