"""The record of a step of the loop; plain values, no torch."""

from dataclasses import dataclass, field
from typing import Literal

Stopped = Literal["forgotten", "step limit", "cancelled"]
"""Why a run ended."""


MOST_FOLLOWED = 64
"""Instances whose predictions each step records."""


@dataclass(frozen=True)
class Step:
    """Measurements after one optimiser step; step 0 is the classifier before the first one.

    `forgotten` of `k` instances have reached the goal, `forget_accuracy` is the percentage still predicted
    as their label, `anchor_agreement` the percentage of this step's retention batch with the wanted
    prediction. `demanded_share` is how much is reached of what the method demands beyond the goal, 0 to 1;
    None if nothing is. `repairing` steps belong to the repair phase, which ends after step `repair_until`;
    `repairing` is None in runs of earlier versions, which do not say. Of the first `MOST_FOLLOWED`
    instances, in the order of the pick: `predictions`, their probabilities `confidences` and those of the
    label `label_confidences`, 0 to 1; empty in runs of earlier versions.
    """

    step: int
    loss: float | None
    forget_loss: float | None
    retain_loss: float | None
    forgotten: int
    k: int
    forget_accuracy: float
    anchor_agreement: float | None
    retention_weight: float | None
    repairing: bool | None = field(default=None, kw_only=True)
    repair_until: int | None = field(default=None, kw_only=True)
    demanded_share: float | None = field(default=None, kw_only=True)
    predictions: tuple[int, ...] = field(default=(), kw_only=True)
    confidences: tuple[float, ...] = field(default=(), kw_only=True)
    label_confidences: tuple[float, ...] = field(default=(), kw_only=True)


def is_round(step: int, bits: int) -> bool:
    """Return whether a step, from 0, has at most so many significant bits: of 3 all up to 8, then 10…"""
    return step % (1 << max(0, step.bit_length() - bits)) == 0
