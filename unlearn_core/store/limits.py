"""Limits for the visitors of a shared server."""

from unlearn_core.errors import UserError
from unlearn_core.store.cleanup import clean_up
from unlearn_core.store.rows import UNDER_WAY, Run
from unlearn_core.store.runs import Check, Store

MOST_RUNS, MOST_UNDER_WAY = 60, 6
"""Per visitor: stored, and queued or running (as many as one click starts)."""


def room_for(store: Store, visitor: str, more: int = 1) -> Check:
    """Clean up before `more` runs of a visitor, and return what checks that they are not too many.

    Without a visitor ("") there is no limit.
    """
    if not visitor:
        return lambda kept: None
    clean_up(store)
    return lambda kept: _check(kept, more)


def _check(kept: list[Run], more: int) -> None:
    if sum(run.state in UNDER_WAY for run in kept) + more > MOST_UNDER_WAY:
        raise UserError(
            f"This server runs at most {MOST_UNDER_WAY} runs per visitor at once: wait for one, or cancel it."
        )
    if len(kept) + more > MOST_RUNS:
        raise UserError(f"This server keeps {MOST_RUNS} runs per visitor: delete some on the page Runs.")
