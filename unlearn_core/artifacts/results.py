"""The result of a run, stored in its row and printed by the command line."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from unlearn_core.forgetting.step import Stopped

COPIES = "identical to forgotten ones, and forgotten with them."
"""How the remark about kept pictures ends that have the pixels of forgotten ones."""


@dataclass(frozen=True)
class EarlierSet:
    """The forget set of an earlier run in a chain: ids in the image set, and their labels."""

    run: str
    ids: tuple[int, ...]
    labels: tuple[int, ...]


Count = Annotated[int, Field(le=2**53)]
"""Tables of the browser hold no larger number."""


class _Numbers(BaseModel):
    model_config = ConfigDict(frozen=True)


class Accuracy(_Numbers):
    """Percentage of a group's n labelled pictures predicted as their label; None if there are none."""

    before: float | None
    after: float | None
    n: Count


class GroupAccuracy(_Numbers):
    """Accuracy on D_f, D_r and D_test."""

    forget: Accuracy
    retain: Accuracy
    test: Accuracy

    def by_group(self) -> dict[str, Accuracy]:
        """Return the values by group name."""
        return {"forget": self.forget, "retain": self.retain, "test": self.test}


class Agreement(_Numbers):
    """Percentage of D_r and D_test predicted as by the original classifier; None for an empty set.

    `retain_n` is the size of D_r; None in results of earlier versions.
    """

    retain: float | None
    test: float | None
    retain_n: int | None = None

    def by_group(self) -> dict[str, float | None]:
        """Return the values by group name."""
        return {"retain": self.retain, "test": self.test}


class Seconds(_Numbers):
    """Time per phase, and in total."""

    load: float = 0.0
    attack: float = 0.0
    importance: float = 0.0
    optimise: float = 0.0
    measure: float = 0.0
    total: float


class EarlierResult(_Numbers):
    """Percentage of an earlier forget set's n pictures predicted as their label."""

    run: str
    ids: tuple[int, ...]
    labels: tuple[int, ...]
    before: float
    after: float
    n: Count

    @property
    def recognised(self) -> int:
        """Number of pictures recognised after the run."""
        return round(self.after * self.n / 100)


class FrontierPoint(_Numbers):
    """Percentage of D_f forgotten, and accuracy in percent on a sample of D_r, at a snapshot."""

    step: int
    forgotten: float
    retain: float


class ChangedCopies(_Numbers):
    """Percentage of n forgotten pictures' changed copies predicted as the label; `interval`: 95%, after.

    `shifted` counts the pictures recognised before whose copy shifted by one pixel is predicted so after;
    None in results of earlier versions.
    """

    before: float
    after: float
    n: Count
    interval: tuple[float, float]
    shifted: int | None = None


class Depth(_Numbers):
    """How much it takes until forgotten pictures are recognised again; percentages.

    Attributes:
        changed_copies: recognised copies that differ a little from the forgotten pictures.
        return_point: furthest share of the way from the weights before to those after at which half of the
            forget set has its label; None if it has it nowhere.
        rounded_8_bits: part of the forget set recognised with weights rounded to 8 bits.
        rounded_4_bits: the same with 4 bits.
        margin: median lead of the label over the best other class, in logits; negative where forgotten.
    """

    changed_copies: ChangedCopies
    return_point: float | None
    rounded_8_bits: float
    rounded_4_bits: float
    margin: float


class NeverSeenNumbers(_Numbers):
    """What classifiers that were trained without the forgotten pictures say of them.

    Attributes:
        recognised: percentage of their predictions that are the label.
        margin: median lead of the label over the best other class, in logits.
        auc: probability that the classifier after is surer of the label of a forgotten picture than such a
            classifier is, 0 to 1; 0.5: as if never seen, 0: always less sure.
    """

    recognised: float
    margin: float
    auc: float


NOTABLE_LOSS = 5.0
"""Points of accuracy, or of agreement without labels: a larger loss is remarked, and is no success."""


class Result(_Numbers):
    """The result of a run; fields with a default are missing in rows of earlier versions.

    `run` is the run's id if it was stored; `k` is the size of the forget set, `ids` its pictures; `after` is
    the run that this one started from; `retained_used` is the number of retained pictures that the method
    could train on; `remarks` are sentences about notable outcomes.
    """

    run: str | None = None
    classifier: str
    images: str
    method: str
    goal: str
    device: str
    seed: int
    k: Count
    ids: tuple[int, ...]
    accuracy: GroupAccuracy
    agreement: Agreement
    seconds: Seconds
    steps: Count
    stopped: Stopped
    after: str | None = None
    earlier: tuple[EarlierResult, ...] = ()
    retained_used: int = 0
    frontier: tuple[FrontierPoint, ...] = ()
    depth: Depth | None = None
    never_seen: NeverSeenNumbers | None = None
    remarks: tuple[str, ...] = ()

    def losses(self) -> dict[str, float]:
        """Return the points of accuracy lost by group but D_f, of agreement where there are no labels."""
        accuracy, found = self.accuracy.by_group(), {}
        for group, agreement in self.agreement.by_group().items():
            before, after = accuracy[group].before, accuracy[group].after
            if before is not None and after is not None:
                found[group] = before - after
            else:
                found[group] = 0.0 if agreement is None else 100 - agreement
        return found

    def to_json(self) -> dict[str, object]:
        """Return the command line's JSON object, without fields that an earlier version did not measure."""
        return self.model_dump(exclude_unset=True)
