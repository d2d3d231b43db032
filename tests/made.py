"""Results and steps as a run ends with them, to be changed where a test needs it, and what was never seen."""

from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unlearn_core.artifacts.never_seen import NeverSeen, own_folder, stem, write_never_seen
from unlearn_core.artifacts.results import Result
from unlearn_core.artifacts.steps import StepRecord


def result(**differs: Any) -> Result:
    """Return the result of a run on four pictures."""
    group = {"before": 100.0, "after": 50.0, "n": 4}
    fields: dict[str, Any] = {
        "classifier": "mnist-resnet",
        "images": "mnist",
        "method": "anchor",
        "goal": "misclassify",
        "device": "cpu",
        "seed": 0,
        "k": 4,
        "ids": [3, 14, 15, 92],
        "accuracy": {"forget": group, "retain": group, "test": group},
        "agreement": {"retain": 60.0, "test": 70.0},
        "seconds": {"total": 3.5},
        "steps": 7,
        "stopped": "forgotten",
    }
    return Result.model_validate(fields | differs)


def step(number: int, forgotten: int = 0, **differs: Any) -> StepRecord:
    """Return a step after which so many of four pictures are forgotten."""
    fields: dict[str, Any] = {
        "loss": None,
        "forget_loss": None,
        "retain_loss": None,
        "k": 4,
        "forget_accuracy": 100.0 - 25 * forgotten,
        "anchor_agreement": None,
        "retention_weight": None,
        "retain_accuracy": None,
        "seconds": float(number),
    }
    return StepRecord(step=number, forgotten=forgotten, **(fields | differs))


def write_reference(
    ids: NDArray[np.int64],
    labels: NDArray[np.int64],
    unrecognised: Collection[int] = (),
    images: str = "mnist",
) -> None:
    """Let two classifiers have never seen these digits; the second one does not recognise `unrecognised`."""
    logits = np.zeros((2, len(ids), 10), np.float16)
    logits[:, np.arange(len(ids)), labels] = 6
    logits[1, np.isin(ids, list(unrecognised))] = 0
    logits[1, np.isin(ids, list(unrecognised)), (labels + 1)[np.isin(ids, list(unrecognised))] % 10] = 6
    own_folder().mkdir(parents=True, exist_ok=True)
    write_never_seen(own_folder() / f"{stem('mnist-resnet', images)}.npz", NeverSeen(ids, labels, logits))
