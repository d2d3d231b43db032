"""The order in which queued runs are carried out: visitors take turns."""

from collections.abc import Iterable
from datetime import UTC, datetime
from statistics import median

from unlearn_core.store.rows import UNDER_WAY, Run, RunState


def turn(run: Run, runs: Iterable[Run]) -> int:
    """Return how many older runs of its visitor come before a run: it is carried out in that round."""
    return sum(
        one.state in UNDER_WAY and one.visitor == run.visitor and one.created < run.created for one in runs
    )


def ahead_of(run: Run, runs: Iterable[Run]) -> int:
    """Return how many of the runs under way are carried out before a queued one; `runs`: of all visitors."""
    return len(_before(run, runs))


def seconds_to_wait(run: Run, runs: Iterable[Run]) -> float | None:
    """Return an estimate of the time until a queued run begins; None without a finished run to go by.

    The runs before it take as long as finished runs by the same method on the same pictures did, or any.
    """
    runs = list(runs)
    ended = [(_kind(one), _duration(one)) for one in runs if one.state == RunState.DONE]
    now, total = datetime.now(UTC), 0.0
    for one in _before(run, runs):
        times = [time for kind, time in ended if kind == _kind(one)] or [time for _, time in ended]
        if not times:
            return None
        spent = (now - one.started).total_seconds() if one.started else 0.0
        # A clock that was set back must not make the wait longer than the whole run takes.
        total += max(1.0, median(times) - max(0.0, spent))
    return total


def _before(run: Run, runs: Iterable[Run]) -> list[Run]:
    under_way = [one for one in runs if one.state in UNDER_WAY]
    # What runs already is before everything that waits.
    places = {one.id: (one.state != RunState.RUNNING, turn(one, under_way), one.created) for one in under_way}
    if run.id not in places:
        return []
    return [one for one in under_way if places[one.id] < places[run.id]]


def _kind(run: Run) -> tuple[str, str]:
    request = run.parsed_request()
    return request.method, request.images


def _duration(run: Run) -> float:
    if run.finished is None or run.started is None:
        return 0.0
    # The clock may have been set back meanwhile.
    return max(0.0, (run.finished - run.started).total_seconds())
