"""ADV: retain the decision boundary with adversarial examples of the forget set.

Paper: arXiv 2301.11578, section 3.2. For each x in D_f, N targeted L2-PGD adversarial examples of the
original classifier, each toward a random label other than y; the classifier is trained on those labels while
it forgets. Deviation: targets are drawn from all classes but y (the authors' code could return y and had only
ten labels). As there, forget set and examples are two batches of one step.
"""

from __future__ import annotations

from unlearn_core.common.batches import batches_in, draw, in_batches
from unlearn_core.common.lazy_torch import F, torch
from unlearn_core.forgetting.adversarial import other_labels, random_start, targeted_l2_pgd
from unlearn_core.forgetting.entry import ATTACK, FORGET_BATCH, STEP_SIZE, MethodEntry
from unlearn_core.forgetting.methods.base import Losses, Task
from unlearn_core.forgetting.methods.neggrad import NegGrad
from unlearn_core.forgetting.picture_store import PictureStore


class Adv(NegGrad):
    """NegGrad plus cross-entropy on adversarial examples, each weighted by its share of the batch."""

    entry = MethodEntry(
        name="adv",
        title="ADV",
        summary="The paper's method with adversarial examples alone.",
        paper="arXiv 2301.11578, section 3.2",
        options=(STEP_SIZE, *ATTACK, FORGET_BATCH),
    )

    def prepare(self, task: Task) -> None:
        """Attack the original classifier."""
        copies, batch = int(self.options["examples"]), int(self.options["attack_batch"])
        batches = batches_in(copies * len(task.pixels), batch)
        with task.phase("attack", batches * int(self.options["attack_iterations"])):
            labels = task.labels.repeat_interleave(copies)
            self._targets = other_labels(labels, task.classes, task.generator)
            self._examples = PictureStore(len(labels), tuple(task.pixels.shape[1:]), task.pixels.device)

            def attack(part: slice) -> None:
                positions = torch.arange(part.start, part.stop, device=task.pixels.device)
                centres = task.pixels[positions // copies]
                found = targeted_l2_pgd(
                    task.module,
                    centres,
                    self._targets[part],
                    radius=self.options["radius"],
                    step_size=self.options["attack_step"],
                    iterations=int(self.options["attack_iterations"]),
                    starts=random_start(centres, self.options["radius"], task.generator),
                    stop_at_target=bool(self.options["stop_at_target"]),
                    check=task.check,
                )
                self._examples.put(part.start, found)

            for _ in in_batches(attack, len(labels), batch):
                pass

    def losses(self, task: Task) -> Losses:
        """Return goal · n_f / (n_f + n_a) + CE(f(x'), target) · n_a / (n_f + n_a)."""
        forget = super().losses(task)
        forget_count = min(len(task.pixels), int(self.options["forget_batch"]))
        chosen = draw(len(self._examples), int(self.options["adversarial_batch"]), task.generator)
        logits = task.module(self._examples.take(chosen))
        chosen = chosen.to(task.pixels.device)
        retain = F.cross_entropy(logits, self._targets[chosen])
        share = forget_count / (forget_count + len(chosen))
        agreement = (logits.argmax(1) == self._targets[chosen]).float().mean()
        return Losses(share * forget.total + (1 - share) * retain, forget.forget, retain, agreement)
