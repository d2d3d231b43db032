"""Comparison of several runs from their stored results; without torch."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from unlearn_core.artifacts.predictions import RETAIN, TEST, Comparison, read_comparison
from unlearn_core.artifacts.results import Agreement, FrontierPoint
from unlearn_core.errors import UserError
from unlearn_core.forgetting.depths import depth_name
from unlearn_core.forgetting.step import Stopped
from unlearn_core.store.rows import Run
from unlearn_core.store.runs import Store

MOST_RUNS = 6


def comparable_runs(store: Store, ids: Sequence[str]) -> list[Run]:
    """Return the runs with these ids.

    Raises:
        UserError: fewer than two or more than `MOST_RUNS`, an unknown one, or one without a result.
    """
    if not 2 <= len(set(ids)) <= MOST_RUNS:
        raise UserError(f"Choose 2 to {MOST_RUNS} different runs.")
    runs = [store.get(one) for one in ids]
    for run in runs:
        if run.parsed_result() is None:
            raise UserError(f"Run {run.id} has no result to compare.")
    return runs


class GroupShares(BaseModel):
    """Percentage on D_f, D_r and D_test, None where it is unknown."""

    forget: float | None
    retain: float | None
    test: float | None


class RunNumbers(BaseModel):
    """A run's line of the comparison: accuracy after and before, in percent; `seconds` is the total.

    `depth` is the name of the depth that was asked for, None where the method decided by itself or has none.
    `changed_copies` is the percentage of slightly changed copies of D_f that are recognised after it, None
    where it was not measured. `ids` are those of D_f.
    """

    run: str
    name: str
    classifier: str
    images: str
    method: str
    depth: str | None
    goal: str
    k: int
    seed: int
    accuracy: GroupShares
    before: GroupShares
    agreement: Agreement
    changed_copies: float | None
    ids: tuple[int, ...]
    steps: int
    seconds: float
    stopped: Stopped
    frontier: tuple[FrontierPoint, ...]


class RunComparison(BaseModel):
    """Runs side by side; `agreement` is the percentage of equal predictions of each pair of runs, (n, n).

    It is None if classifier or image set differ.
    """

    runs: tuple[RunNumbers, ...]
    agreement: list[list[float | None]] | None


def _numbers(run: Run) -> RunNumbers:
    result = run.parsed_result()
    assert result is not None
    groups = result.accuracy.by_group()
    return RunNumbers(
        run=run.id,
        name=run.name,
        classifier=result.classifier,
        images=result.images,
        method=result.method,
        depth=depth_name(run.parsed_request().options),
        goal=result.goal,
        k=result.k,
        seed=result.seed,
        accuracy=GroupShares(**{name: one.after for name, one in groups.items()}),
        before=GroupShares(**{name: one.before for name, one in groups.items()}),
        agreement=result.agreement,
        changed_copies=None if result.depth is None else result.depth.changed_copies.after,
        ids=tuple(sorted(result.ids)),
        steps=result.steps,
        seconds=result.seconds.total,
        stopped=result.stopped,
        frontier=result.frontier,
    )


def mutual_agreement(
    comparisons: Sequence[Comparison], measured_on: Sequence[str | None]
) -> NDArray[np.float64]:
    """Return for each pair of runs the percentage of equal predictions outside all forget sets, (n, n).

    nan if two runs have no measured picture in common.

    Args:
        comparisons: of n runs on one image set.
        measured_on: the name of each run's second image set, None if it has none.
    """
    found = np.full((len(comparisons), len(comparisons)), np.nan)
    kept = [_kept(one, second) for one, second in zip(comparisons, measured_on, strict=True)]
    for row, mine in enumerate(kept):
        for column, theirs in enumerate(kept):
            common = sorted(mine.keys() & theirs.keys())
            if common:
                alike = [mine[picture] == theirs[picture] for picture in common]
                found[row, column] = round(100 * float(np.mean(alike)), 3)
    return found


def _kept(comparison: Comparison, second: str | None) -> dict[tuple[str | None, int], int]:
    """Return the prediction after of each picture of D_r and D_test, by its image set ("": first) and id."""
    chosen = np.flatnonzero(np.isin(comparison.group, (RETAIN, TEST)))
    sets = [second if number else "" for number in comparison.image_set[chosen].tolist()]
    keys = zip(sets, comparison.ids[chosen].tolist(), strict=True)
    return dict(zip(keys, comparison.after[chosen].tolist(), strict=True))


def compare(store: Store, ids: Sequence[str]) -> RunComparison:
    """Return the comparison of runs as the command line prints it: their numbers and mutual agreement.

    Two runs with no measured picture in common have no agreement (None). Raises like `comparable_runs`, and
    if a run's files are damaged.
    """
    runs = comparable_runs(store, ids)
    lines = tuple(_numbers(run) for run in runs)
    alike = len({(line.classifier, line.images) for line in lines}) == 1
    if not alike:
        return RunComparison(runs=lines, agreement=None)
    comparisons = [read_comparison(store.folder(run.id)) for run in runs]
    found = mutual_agreement(comparisons, [run.parsed_request().measure_on for run in runs]).tolist()
    known = [[None if math.isnan(value) else value for value in row] for row in found]
    return RunComparison(runs=lines, agreement=known)
