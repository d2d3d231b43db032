"""Limits for the visitors of a shared server."""

from unlearn_core.errors import UserError
from unlearn_core.store.cleanup import clean_up
from unlearn_core.store.rows import UNDER_WAY
from unlearn_core.store.runs import Store

MOST_RUNS, MOST_UNDER_WAY = 60, 6
"""Per visitor: stored, and queued or running (as many as one click starts)."""


def make_room(store: Store, visitor: str, count: int = 1) -> None:
    """Clean up before further runs of a visitor; without a visitor ("") there is no limit.

    Raises:
        UserError: the limit would still be exceeded.
    """
    if not visitor:
        return
    clean_up(store)
    runs = store.runs(visitor)
    if sum(run.state in UNDER_WAY for run in runs) + count > MOST_UNDER_WAY:
        raise UserError(
            f"This server runs at most {MOST_UNDER_WAY} runs per visitor at once: wait for one, or cancel it."
        )
    if len(runs) + count > MOST_RUNS:
        raise UserError(f"This server keeps {MOST_RUNS} runs per visitor: delete some on the page Runs.")
