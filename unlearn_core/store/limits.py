"""What visitors of a shared server may keep, and what they left behind: a closed browser never comes back."""

from unlearn_core.errors import UserError
from unlearn_core.store.cleanup import clean_up
from unlearn_core.store.rows import UNDER_WAY
from unlearn_core.store.runs import Store

MOST_RUNS, MOST_UNDER_WAY = 60, 6
"""Of one visitor: kept, and waiting or running (as many as one press starts)."""


def make_room(store: Store, visitor: str, count: int = 1) -> None:
    """Clean up, for further runs of a visitor ("": one person alone, who may have any number).

    Raises:
        UserError: so many would still be too many.
    """
    if not visitor:
        return
    clean_up(store)
    runs = store.runs(visitor)
    if sum(run.state in UNDER_WAY for run in runs) + count > MOST_UNDER_WAY:
        raise UserError(
            f"This server runs {MOST_UNDER_WAY} of a visitor's at most: wait for one, or cancel it."
        )
    if len(runs) + count > MOST_RUNS:
        raise UserError(f"This server keeps {MOST_RUNS} runs of a visitor's: delete some on the page Runs.")
