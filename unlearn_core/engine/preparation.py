"""The preparation of a run that may follow: one at a time, of what somebody picked last."""

import threading
from pathlib import Path

from unlearn_core.artifacts.look_alikes import LookAlikes
from unlearn_core.engine.own_cluster import OwnCluster
from unlearn_core.engine.pending import Look
from unlearn_core.errors import UserError
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.rows import Run
from unlearn_core.store.wanted import Wanted, want, want_nothing

Made = Look[LookAlikes | None]


class Preparation:
    """Has the forgetting lane of a cluster prepare runs for the store at `root`."""

    def __init__(self, cluster: OwnCluster, root: Path) -> None:
        self._cluster, self._root = cluster, root
        self._lock = threading.Lock()
        self._last: tuple[ForgetRequest, Wanted, Made] | None = None
        want_nothing(root)

    def of(self, request: ForgetRequest) -> Made:
        """Prepare a request, and nothing else any longer; the one that was asked for last gets the same Look.

        Raises:
            UserError: the store cannot be written.
        """
        with self._lock:
            if self._last is not None:
                before, wanted, look = self._last
                if before == request and _is_of_use(look):
                    return look
                wanted.end()
            wanted = want(self._root)
            look = Look(self._cluster.prepare(request, wanted))
            self._last = request, wanted, look
            return look

    def leave_to(self, run: Run) -> None:
        """Leave what is prepared to a run; what is being prepared for another request is given up."""
        with self._lock:
            if self._last is None:
                return
            request, wanted, look = self._last
            if request == run.parsed_request() and not look.done():
                wanted.wait(run.id)
            else:
                wanted.end()
            self._last = None

    def give_up(self, look: Made | None = None) -> None:
        """Give up a preparation, if it is the last; by default whichever is."""
        with self._lock:
            if self._last is not None and look in (None, self._last[2]):
                self._last[1].end()
                self._last = None


def _is_of_use(look: Made) -> bool:
    """Return whether what was prepared is there, or may still come."""
    try:
        return not look.done() or look.result() is not None
    except UserError:
        return False
