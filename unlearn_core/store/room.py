"""Whether there is room on the disk for what runs write."""

import shutil
from collections.abc import Iterable
from pathlib import Path

from unlearn_core.catalog.entries import classifier_entry
from unlearn_core.catalog.on_disk import megabytes
from unlearn_core.errors import UserError
from unlearn_core.store.request import ForgetRequest

COPIES = 15
"""Of the weights, at most, while a run is under way: snapshots 3, start and end 2, two checkpoints 10."""
OTHER_MEGABYTES = 10.0
"""Predictions, steps, pictures, and the database."""
_UNKNOWN_MEGABYTES = 100.0


def check_room(root: Path, requests: Iterable[ForgetRequest]) -> None:
    """Raise `UserError` if runs of these requests may write more than the disk of a store has room for."""
    needed = sum(needed_megabytes(request) for request in requests)
    free = shutil.disk_usage(root).free / 1e6
    if free < needed:
        raise UserError(
            f"This may need {needed:,.0f} MB on the disk, but {free:,.0f} MB are free: "
            "delete runs or other files first."
        )


def needed_megabytes(request: ForgetRequest) -> float:
    """Return an estimate of what a run writes, rather too much."""
    try:
        weights = megabytes(classifier_entry(request.classifier))
    except UserError:
        weights = None
    return COPIES * (_UNKNOWN_MEGABYTES if weights is None else weights) + OTHER_MEGABYTES
