"""The result of a run: the numbers that it ends with, kept in its row and printed by the command line."""

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from unlearn_core.forgetting.step import Stopped


@dataclass(frozen=True)
class EarlierSet:
    """A forget set of an earlier run in a chain: ids in the image set and the labels that were forgotten."""

    run: str
    ids: tuple[int, ...]
    labels: tuple[int, ...]


class _Numbers(BaseModel):
    model_config = ConfigDict(frozen=True)


class Accuracy(_Numbers):
    """Percent of a group's n labelled pictures predicted as their label; None where there are none."""

    before: float | None
    after: float | None
    n: int


class GroupAccuracy(_Numbers):
    """Accuracy on D_f, D_r and D_test."""

    forget: Accuracy
    retain: Accuracy
    test: Accuracy

    def by_group(self) -> dict[str, Accuracy]:
        """Return the same by the group's name."""
        return {"forget": self.forget, "retain": self.retain, "test": self.test}


class Agreement(_Numbers):
    """Percent of D_r and D_test predicted as by the original classifier; None where there are no pictures."""

    retain: float | None
    test: float | None

    def by_group(self) -> dict[str, float | None]:
        """Return the same by the group's name."""
        return {"retain": self.retain, "test": self.test}


class Seconds(_Numbers):
    """Time spent in each phase, and in all."""

    load: float = 0.0
    attack: float = 0.0
    importance: float = 0.0
    optimise: float = 0.0
    measure: float = 0.0
    total: float


class EarlierResult(_Numbers):
    """How an earlier forget set of the chain fares: percent of its n pictures predicted as their label."""

    run: str
    ids: tuple[int, ...]
    labels: tuple[int, ...]
    before: float
    after: float
    n: int

    @property
    def recognised(self) -> int:
        """How many of the pictures are recognised after the run."""
        return round(self.after * self.n / 100)


class FrontierPoint(_Numbers):
    """Percent of D_f forgotten, and accuracy in percent on a sample of D_r, at a step with a snapshot."""

    step: int
    forgotten: float
    retain: float


class Result(_Numbers):
    """What came of a run; fields with a default are missing in rows of earlier versions.

    `run` is the run's id where there is one; `k` pictures were to be forgotten, those with `ids`; `after` is
    the run that this one started from; `retained_used` is how many retained pictures the method could learn
    from; `remarks` are sentences that a person should not miss.
    """

    run: str | None = None
    classifier: str
    images: str
    method: str
    goal: str
    device: str
    seed: int
    k: int
    ids: tuple[int, ...]
    accuracy: GroupAccuracy
    agreement: Agreement
    seconds: Seconds
    steps: int
    stopped: Stopped
    after: str | None = None
    earlier: tuple[EarlierResult, ...] = ()
    retained_used: int = 0
    frontier: tuple[FrontierPoint, ...] = ()
    remarks: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        """Return the command line's JSON object; what an earlier version did not measure stays left out."""
        return self.model_dump(exclude_unset=True)
