"""Continual unlearning: a run that starts from the classifier of another run."""

from pathlib import Path

import numpy as np

from unlearn_core.artifacts.predictions import FORGET, read_comparison
from unlearn_core.artifacts.results import EarlierSet
from unlearn_core.errors import UserError
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.runs import Store

START = "start.safetensors"
"""In the folder of a run that continues another one: the weights that it started from."""


def weights_before(store: Store, request: ForgetRequest, found_by: str | None = None) -> Path | None:
    """Return the weights that a request starts from, None for the catalog's.

    `found_by`: a run of the same chain that has a copy of them; the run before it may be gone.

    Raises:
        UserError: the run to start from is unknown, not finished, without weights, or of another
            classifier or image set.
    """
    if request.after is None:
        return None
    if found_by is not None:
        return store.folder(found_by) / START
    parent = store.get(request.after)
    weights = store.folder(parent.id) / "weights.safetensors"
    if parent.parsed_result() is None or not weights.exists():
        raise UserError(f"Run {parent.id} has no classifier to start from.")
    before = parent.parsed_request()
    if (before.classifier, before.images) != (request.classifier, request.images):
        raise UserError(
            f"Run {parent.id} used {before.classifier} and {before.images}: a run after it must use them too."
        )
    return weights


def earlier_sets(store: Store, request: ForgetRequest, found_by: str | None = None) -> list[EarlierSet]:
    """Return the forget sets of all runs in the chain that a request continues, the oldest first.

    `found_by`: a run with the same ones, in its result.
    """
    if request.after is None:
        return []
    if found_by is not None:
        same = store.get(found_by).parsed_result()
        return [EarlierSet(one.run, one.ids, one.labels) for one in same.earlier] if same else []
    result = store.get(request.after).parsed_result()
    assert result is not None
    chain = [EarlierSet(one.run, one.ids, one.labels) for one in result.earlier]
    predictions = read_comparison(store.folder(request.after))
    chosen = np.flatnonzero(predictions.group == FORGET)
    ids, labels = predictions.ids[chosen].tolist(), predictions.labels[chosen].tolist()
    return [*chain, EarlierSet(request.after, tuple(ids), tuple(labels))]
