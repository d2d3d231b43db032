"""Finds runs whose worker hangs: nothing is reported for longer than a phase may take between two reports.

And those of other servers on the same home that ended before they did.
"""

import logging
import threading
from collections.abc import Callable

from unlearn_core.store.processes import this_process
from unlearn_core.store.rows import Run, RunState
from unlearn_core.store.runs import Store
from unlearn_core.store.sign import last_sign

MOST_SECONDS_SILENT = {"load": 1800.0, "keep": 900.0}
"""Without a report, by phase: loading may download pictures, and saving measures weights."""
MOST_SECONDS_ELSE = 600.0
"""In every other phase, whose batches and steps report: the slowest step that anybody waits for."""
SECONDS_BETWEEN_LOOKS = 15.0

_log = logging.getLogger(__name__)


class Watch:
    """Looks at the runs from time to time, in a thread.

    Args:
        store: of the runs.
        hangs: called with the id of each run of this process that hangs; it may be called again later.
    """

    def __init__(self, store: Store, hangs: Callable[[str], None]) -> None:
        self._store, self._hangs = store, hangs
        self._seen: dict[str, tuple[float, int]] = {}
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._look, name="watch", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop looking."""
        self._closed.set()

    def _look(self) -> None:
        while not self._closed.wait(SECONDS_BETWEEN_LOOKS):
            try:
                self._store.mark_interrupted()
                for run in self._store.runs():
                    if self._is_silent(run):
                        _log.warning(
                            "Run %s hangs in the phase %s: its worker is restarted.", run.id, run.phase
                        )
                        self._hangs(run.id)
            except Exception:
                # A disk that is full for a moment must not end the watch.
                _log.exception("The runs could not be looked at.")

    def _is_silent(self, run: Run) -> bool:
        if run.state != RunState.RUNNING or run.owner != this_process():
            return False
        allowed = MOST_SECONDS_SILENT.get(run.phase, MOST_SECONDS_ELSE)
        # Looks are counted: a clock that jumps, or a pause of the whole machine, is no silence.
        last = last_sign(self._store.folder(run.id))
        known, looks = self._seen.get(run.id, (last, 0))
        looks = looks + 1 if known == last else 0
        self._seen[run.id] = last, looks
        return looks * SECONDS_BETWEEN_LOOKS > allowed
