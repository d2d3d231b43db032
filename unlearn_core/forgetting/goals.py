"""Goals of unlearning and their losses (arXiv 2301.11578, section 3.1)."""

from __future__ import annotations

from typing import Protocol

from unlearn_core.common.lazy_torch import F, Tensor, torch


class Goal(Protocol):
    """A goal for k instances; methods take logits (k, classes), losses have shape (k,)."""

    def paper_loss(self, logits: Tensor, instances: Tensor) -> Tensor:
        """Return the paper's loss of the instances at the given positions."""

    def margin_loss(self, logits: Tensor, instances: Tensor, margin: float | Tensor) -> Tensor:
        """Return how many logits each instance lacks to be forgotten by `margin`; 0 once it is.

        `margin` is a number or (n,).
        """

    def reached(self, logits: Tensor) -> Tensor:
        """Return whether each instance is forgotten, bool (k,)."""


class Misclassify:
    """Each instance should be predicted as any class but its label.

    Args:
        labels: int64 (k,), the classes to avoid.
    """

    def __init__(self, labels: Tensor) -> None:
        self.labels = labels

    def paper_loss(self, logits: Tensor, instances: Tensor) -> Tensor:
        """Return −CE(f(x), y): unbounded below."""
        return -F.cross_entropy(logits, self.labels[instances], reduction="none")

    def margin_loss(self, logits: Tensor, instances: Tensor, margin: float | Tensor) -> Tensor:
        """Return relu(f_y − max of the others + margin)."""
        own, others = split_logits(logits, self.labels[instances])
        return F.relu(own - others + margin)

    def reached(self, logits: Tensor) -> Tensor:
        """Return which instances are not predicted as their label."""
        return logits.argmax(1) != self.labels


class Relabel:
    """Each instance should be predicted as its new label.

    Args:
        new_labels: int64 (k,).
    """

    def __init__(self, new_labels: Tensor) -> None:
        self.new_labels = new_labels

    def paper_loss(self, logits: Tensor, instances: Tensor) -> Tensor:
        """Return CE(f(x), y*)."""
        return F.cross_entropy(logits, self.new_labels[instances], reduction="none")

    def margin_loss(self, logits: Tensor, instances: Tensor, margin: float | Tensor) -> Tensor:
        """Return relu(max of the others − f_y* + margin)."""
        wanted, others = split_logits(logits, self.new_labels[instances])
        return F.relu(others - wanted + margin)

    def reached(self, logits: Tensor) -> Tensor:
        """Return which instances are predicted as their new label."""
        return logits.argmax(1) == self.new_labels


def runner_up(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the class with the highest logit other than each row's label, int64 (n,)."""
    return logits.scatter(1, labels[:, None], -torch.inf).argmax(1)


def split_logits(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Return the logit of each row's label and the highest of its other logits, (n,) each."""
    own = logits.gather(1, labels[:, None]).squeeze(1)
    is_label = F.one_hot(labels, logits.shape[1]).bool()
    return own, logits.masked_fill(is_label, -torch.inf).amax(1)
