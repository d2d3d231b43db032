"""The engine: runs jobs on the workers of its own cluster, or of one that exists already."""

import os
import threading
import weakref
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from distributed import KilledWorker

from unlearn_core.artifacts.look_alikes import LookAlikes
from unlearn_core.common.sharing import is_shared, public_message
from unlearn_core.engine.looks import LookRequest
from unlearn_core.engine.own_cluster import OwnCluster
from unlearn_core.engine.pending import DIED, Look, Pending
from unlearn_core.engine.preparation import Preparation
from unlearn_core.engine.remote.connection import ClusterLostError
from unlearn_core.engine.remote.remote_cluster import RemoteCluster
from unlearn_core.engine.watch import Watch
from unlearn_core.errors import UserError
from unlearn_core.store.chain import weights_before
from unlearn_core.store.cleanup import clean_up
from unlearn_core.store.limits import room_for
from unlearn_core.store.processes import is_alive, this_process
from unlearn_core.store.queue import turn
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.rows import UNDER_WAY, Run, RunState
from unlearn_core.store.run_file import CHECKPOINT
from unlearn_core.store.run_origin import copy_picture_files, found_by, write_found_by
from unlearn_core.store.runs import Store
from unlearn_core.store.sign import sign

_MOST_DEATHS = {RunState.RUNNING: 2, RunState.QUEUED: 20}
"""Of workers, after which a run is tried again: one that still waited is hardly at fault."""
_AGAIN_SECONDS = 2.0

Answer = TypeVar("Answer")


class Engine:
    """Runs jobs in the background; one per server process. Nothing here imports torch."""

    def __init__(self, store: Store) -> None:
        """Mark runs of an earlier server as interrupted, and start the workers."""
        self.store = store
        store.mark_interrupted()
        if is_shared():
            clean_up(store)
        address = os.environ.get("UNLEARN_CLUSTER")
        own = None if address else OwnCluster(store.root)
        self._cluster = own or RemoteCluster(store, address or "")
        self._preparation = None if own is None or is_shared() else Preparation(own, store.root)
        self._lock = threading.Lock()
        self._closed = False
        self._runs: dict[str, Pending] = {}
        self._deaths: Counter[tuple[str, str]] = Counter()
        self._looks: weakref.WeakValueDictionary[LookRequest[Any], Look[Any]] = weakref.WeakValueDictionary()
        self._watch = Watch(store, self._end_worker_of)
        self._write_ends()

    def submit(self, request: ForgetRequest, name: str | None = None, visitor: str = "") -> str:
        """Queue a forgetting job and return the id of its run; raises like `submit_all`."""
        return self.submit_all([request], name, visitor)[0]

    def submit_all(
        self, requests: Sequence[ForgetRequest], name: str | None = None, visitor: str = ""
    ) -> list[str]:
        """Queue several forgetting jobs, or none if one is invalid; return the ids of their runs.

        Raises:
            UserError: a request has an unknown name, the store cannot be written, the visitor of a shared
                server has too many runs, or the cluster cannot be reached.
        """
        for request in requests:
            request.check_names()
        for request in requests:
            weights_before(self.store, request)
        return self._create(requests, name, visitor)

    def keep(
        self, run_id: str, changes: Mapping[str, object], name: str | None = None, visitor: str = ""
    ) -> str:
        """Queue a run with the weights that a finished one found; return its id.

        `changes` are those of its request: `strength`, how far its weights go, and `measure_on`. Raises like
        `submit_all`, and `UserError` for an unknown run.
        """
        assert changes.keys() <= {"strength", "measure_on"}
        fields = self.store.get(run_id).parsed_request().model_dump()
        request = ForgetRequest.parse(**{**fields, **changes})
        request.check_names()
        return self._create([request], name, visitor, lambda folder: write_found_by(folder, run_id))[0]

    def resume(self, run_id: str) -> None:
        """Queue an interrupted run again; it goes on from its last checkpoint.

        Raises:
            UserError: another run, or the visitor of a shared server has too many under way.
        """
        self._cluster.check()
        visitor = self.store.get(run_id).visitor
        self._submit(self.store.queue_again(run_id, room_for(self.store, visitor, resumed=1)))

    def again(self, run_id: str, visitor: str = "") -> str:
        """Queue the request of a run once more, for the same files; return the new run's id.

        Weights that were kept are kept again while the run that found them is there. Raises like
        `submit_all`.
        """
        run, folder = self.store.get(run_id), self.store.folder(run_id)
        request, finder = run.parsed_request(), found_by(folder)
        request.check_names()
        if finder not in {one.id for one in self.store.runs()}:
            finder = None
            weights_before(self.store, request)

        def fill(new: Path) -> None:
            copy_picture_files(folder, new)
            if finder is not None:
                write_found_by(new, finder)

        return self._create([request], run.name, visitor, fill)[0]

    def _create(
        self,
        requests: Sequence[ForgetRequest],
        name: str | None,
        visitor: str,
        fill: Callable[[Path], None] = lambda folder: None,
    ) -> list[str]:
        self._cluster.check()
        runs = self.store.create_all(requests, name, visitor, room_for(self.store, visitor, requests), fill)
        for run in runs:
            self._submit(run)
        return [run.id for run in runs]

    def _submit(self, run: Run) -> None:
        finder = found_by(self.store.folder(run.id))
        if self._preparation is not None:
            self._preparation.leave_to(run)
        future = self._cluster.forget(run, -turn(run, self.store.runs()), finder)
        self._runs[run.id] = future
        future.add_done_callback(lambda future: self._ended(run.id, future))

    def cancel(self, run_id: str) -> None:
        """Stop a run at its next step, or at once if it is queued or no worker runs it."""
        run = self.store.get(run_id)
        if run.state not in UNDER_WAY:
            return
        self.store.request_cancel(run_id)
        run = self.store.get(run_id)
        carried_out = is_alive(run.owner, self.store.root) and (
            run.owner != this_process() or run_id in self._runs
        )
        lost = run.state == RunState.RUNNING and not carried_out
        if run.state == RunState.QUEUED or lost:
            future = self._runs.pop(run_id, None)
            if future is not None:
                future.cancel()
            self.store.finish(run_id, RunState.CANCELLED)
            # One that was interrupted and waited to go on has one.
            (self.store.folder(run_id) / CHECKPOINT).unlink(missing_ok=True)

    def look(self, request: LookRequest[Answer]) -> Look[Answer]:
        """Start to answer a request about the store, in the looking lane.

        A request that equals one under way gets the same Look.
        """
        with self._lock:
            look = self._looks.get(request)
            if look is None or look.done():
                look = self._looks[request] = Look(self._cluster.look(request))
        return look

    def prepare(self, request: ForgetRequest) -> Look[LookAlikes | None] | None:
        """Prepare a run that may follow, unless runs are under way; it ends the same, only sooner.

        Only what was asked for last is prepared. None on a shared server and on a cluster that exists
        already, whose workers are there for others too, and for a request that has an unknown name.
        """
        if self._preparation is None or self._runs:
            return None
        return self._preparation.of(request)

    def give_up(self, look: Look[LookAlikes | None]) -> None:
        """Give up a preparation that nobody wants any longer."""
        if self._preparation is not None:
            self._preparation.give_up(look)

    def close(self) -> None:
        """Stop the workers; runs under way become interrupted."""
        # First: a process that is being terminated may not reach the end of this method.
        self._closed = True
        self._watch.close()
        try:
            for run in self.store.runs():
                if run.state in UNDER_WAY and run.owner == this_process():
                    self.store.end(
                        run.id, RunState.INTERRUPTED, "The program was closed before this run ended."
                    )
        finally:
            if self._preparation is not None:
                self._preparation.give_up()
            self._cluster.close()

    def _ended(self, run_id: str, future: Pending) -> None:
        """Let a run whose worker died go on, or record the end that its worker could not."""
        self._runs.pop(run_id, None)
        fault = None if self._closed or future.cancelled() else future.exception()
        if fault is None:
            return
        lost = isinstance(fault, ClusterLostError)
        if isinstance(fault, KilledWorker) and self._may_go_on(run_id):
            try:
                self.store.update(run_id, state=RunState.QUEUED, phase="waiting")
                self._submit(self.store.get(run_id))
                return
            except UserError as error:
                # Such as a full disk: it can go on later.
                fault, lost = error, True
        self.store.end(run_id, RunState.INTERRUPTED if lost else RunState.FAILED, _sentence(fault))
        self._write_ends()

    def _end_worker_of(self, run_id: str) -> None:
        """End the process that carries out a run; another is started."""
        if self._cluster.end_worker_of(run_id):
            sign(self.store.folder(run_id))

    def _may_go_on(self, run_id: str) -> bool:
        """Return whether a run whose worker died is tried again; it goes on from its last checkpoint."""
        state = RunState(self.store.get(run_id).state)
        self._deaths[run_id, state] += 1
        return self._deaths[run_id, state] <= _MOST_DEATHS.get(state, 0)

    def _write_ends(self) -> None:
        """Write the ends that a full disk delayed; retry until there is room."""
        if not self.store.write_ends() and not self._closed:
            again = threading.Timer(_AGAIN_SECONDS, self._write_ends)
            again.daemon = True
            again.start()


def _sentence(fault: BaseException | None) -> str:
    """Return the message for a run whose worker could not record its failure."""
    if isinstance(fault, KilledWorker):
        return DIED
    return str(fault) if isinstance(fault, UserError) else public_message(fault)
