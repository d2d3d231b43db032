"""The anchors of `anchor`: pictures around the forget set on which the original logits are retained.

Adversarial examples of the forget set with three relatives of each (relatives.py), deformed copies of it
(deformed.py), and, on request, pictures inverted from BatchNorm statistics (inversion.py).
"""

from __future__ import annotations

from dataclasses import dataclass

from unlearn_core.common.batches import batches_in, in_batches
from unlearn_core.common.lazy_torch import Tensor, torch
from unlearn_core.forgetting.adversarial import other_labels, random_start, targeted_l2_pgd
from unlearn_core.forgetting.deformed import OTHERS, deformed
from unlearn_core.forgetting.inversion import BATCH as INVERSION_BATCH
from unlearn_core.forgetting.inversion import has_statistics, invert
from unlearn_core.forgetting.methods.base import Task
from unlearn_core.forgetting.picture_store import PictureStore
from unlearn_core.forgetting.precision import Classify
from unlearn_core.forgetting.relatives import Relatives, shifted, shifts

ATTACK_BATCH = 256


@dataclass(frozen=True)
class AnchorCounts:
    """How many anchors to make, and with how much effort.

    Attributes:
        examples: adversarial examples, at least; rounded up to the same number for each instance.
        attack_iterations: steps of the attack.
        radius: of the attack, L2 in pixel values from 0 to 1.
        deformed: deformed copies.
        inversions: inverted pictures; none where the classifier has no BatchNorm statistics.
        inversion_iterations: steps of the inversion.
    """

    examples: int
    attack_iterations: int
    radius: float
    deformed: int
    inversions: int
    inversion_iterations: int


class AnchorMaker:
    """Makes the anchors of a task, before anything is forgotten.

    Args:
        task: its forget set and original classifier.
        counts: of the anchors.
        classify: computes the original logits with gradients.
    """

    def __init__(self, task: Task, counts: AnchorCounts, classify: Classify) -> None:
        self._task, self._counts, self._classify = task, counts, classify
        self._copies = batches_in(counts.examples, len(task.pixels)) if counts.examples else 0
        self._inversions = counts.inversions if has_statistics(task.original) else 0

    @property
    def total(self) -> int:
        """The number of anchors."""
        return 4 * self._copies * len(self._task.pixels) + self._counts.deformed + self._inversions

    @property
    def checks(self) -> int:
        """The total number of iterations of attack and inversion."""
        attacks = batches_in(self._copies * len(self._task.pixels), ATTACK_BATCH)
        inversions = batches_in(self._inversions, INVERSION_BATCH)
        return attacks * self._counts.attack_iterations + inversions * self._counts.inversion_iterations

    def make(self) -> PictureStore:
        """Return all anchors."""
        task, counts = self._task, self._counts
        examples = self._copies * len(task.pixels)
        total = self.total
        anchors = PictureStore(total, tuple(task.pixels.shape[1:]), task.pixels.device)
        if examples:
            self._attack(anchors)
            relatives = Relatives(examples, task.generator)
            for positions in torch.arange(examples).split(ATTACK_BATCH):
                centres = task.pixels[positions.to(task.pixels.device) // self._copies]
                for kind, pictures in enumerate(relatives.of(positions, anchors, centres), start=1):
                    anchors.put(kind * examples + int(positions[0]), pictures)
        # Of no positions `split` returns one empty batch.
        for positions in torch.arange(counts.deformed).split(ATTACK_BATCH) if counts.deformed else ():
            sources = task.pixels[positions.to(task.pixels.device) % len(task.pixels)]
            anchors.put(4 * examples + int(positions[0]), deformed(sources, OTHERS, task.generator))
        if self._inversions:
            anchors.put(total - self._inversions, self._inverted())
        return anchors

    def _attack(self, anchors: PictureStore) -> None:
        """Store adversarial examples, spread evenly over the forget set; few iterations suffice."""
        task, counts, copies = self._task, self._counts, self._copies
        targets = other_labels(task.labels.repeat_interleave(copies), task.classes, task.generator)

        def attack(part: slice) -> None:
            centres = task.pixels[torch.arange(part.start, part.stop, device=task.pixels.device) // copies]
            found = targeted_l2_pgd(
                self._classify,
                centres,
                targets[part],
                radius=counts.radius,
                step_size=2 * counts.radius / counts.attack_iterations,
                iterations=counts.attack_iterations,
                starts=random_start(centres, counts.radius, task.generator),
                check=task.check,
            )
            anchors.put(part.start, found)

        for _ in in_batches(attack, len(targets), ATTACK_BATCH):
            pass

    def _inverted(self) -> Tensor:
        """Return inverted pictures of random classes, started from mixes of shifted instances."""
        task, count = self._task, self._inversions
        first, second = (
            shifted(
                task.pixels[torch.randint(len(task.pixels), (count,), generator=task.generator)],
                shifts(count, task.generator),
            )
            for _ in range(2)
        )
        share = torch.rand(count, 1, 1, 1, generator=task.generator).to(first.device)
        labels = torch.randint(task.classes, (count,), generator=task.generator).to(first.device)
        starts = second + share * (first - second)
        iterations = self._counts.inversion_iterations
        return invert(task.original, starts, labels, iterations, task.check, self._classify)
