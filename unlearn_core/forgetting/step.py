"""The record of a step of the loop; plain values, no torch."""

from dataclasses import dataclass, field
from typing import Literal

Stopped = Literal["forgotten", "step limit", "cancelled"]
"""Why a run ended."""


@dataclass(frozen=True)
class Step:
    """Measurements after one optimiser step; step 0 is the classifier before the first one.

    `forgotten` of `k` instances have reached the goal, `forget_accuracy` is the percentage still predicted
    as their label, `anchor_agreement` the percentage of this step's retention batch with the wanted
    prediction. `repairing` steps belong to the repair phase; None in runs
    of earlier versions, which do not say.
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
