"""Two warm lanes a device, each a worker process of its own: one forgets, one looks.

Dask's `LocalCluster` gives all its workers the same resources; lanes need one each, so this builds the
`SpecCluster` under it. A nanny starts a worker again that died, and tasks are tied to a lane by resource, not
by address, so the lane's next worker takes the next task.
"""

import logging
import os
import threading
import uuid
import weakref
from collections.abc import Sequence
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

import dask
from dask.base import tokenize
from distributed import Client, Future, KilledWorker, Nanny, Scheduler, Security, SpecCluster

from unlearn_core.common.sharing import is_shared, public_message
from unlearn_core.common.threads import patient_threads
from unlearn_core.engine import tasks
from unlearn_core.errors import UserError
from unlearn_core.store.chain import weights_before
from unlearn_core.store.cleanup import clean_up
from unlearn_core.store.limits import make_room
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.rows import UNDER_WAY, RunState, this_process
from unlearn_core.store.runs import Store

_DIED = "The worker process died, most likely out of memory: try fewer pictures or a smaller batch."
_LOST = "The worker process that looked at this was lost: try again."
_SETTINGS = {
    # A task that took its worker down would take the next one down too.
    "distributed.scheduler.allowed-failures": 0,
    "distributed.worker.daemon": True,
}
_AGAIN_SECONDS = 2.0
_log = logging.getLogger(__name__)
_LANES = ("forget", "look")


class Look:
    """Something a worker is finding out."""

    def __init__(self, future: Future) -> None:
        self._future = future
        # `Future.result(timeout)` that runs out while Dask gathers would cancel the result for everybody.
        ended = self._ended = threading.Event()
        future.add_done_callback(lambda _: ended.set())

    def done(self) -> bool:
        """Tell whether `result` would return or raise at once."""
        return bool(self._future.done())

    def wait(self, seconds: float) -> bool:
        """Wait for at most so long; tell whether `result` would return or raise at once."""
        return self._ended.wait(seconds)

    def result(self) -> Any:
        """Wait for the result and return it.

        Raises:
            UserError: as raised in the worker, or because the worker died or was lost.
        """
        try:
            return self._future.result()
        except KilledWorker as error:
            raise UserError(_DIED) from error
        except CancelledError as error:
            raise UserError(_LOST) from error


class Engine:
    """Runs jobs in the background; one a server process. Nothing here imports torch."""

    def __init__(self, store: Store) -> None:
        """Mark runs that an earlier server left behind as interrupted, and start the workers."""
        self.store = store
        store.mark_interrupted()
        if is_shared():
            clean_up(store)
        # Whoever else works on this machine reaches the port too: only this process has the certificate.
        security = Security.temporary()
        # Dask would hold every worker to one thread; the same request must run as on the command line.
        with dask.config.set(
            _SETTINGS | {"distributed.nanny.pre-spawn-environ": patient_threads(os.environ)}
        ):
            self._cluster = SpecCluster(
                workers=_lanes(store.root, security),
                scheduler={
                    "cls": Scheduler,
                    "options": {
                        "protocol": "tls",
                        "security": security,
                        "host": "127.0.0.1",
                        "port": 0,
                        "dashboard": False,
                        "dashboard_address": "127.0.0.1:0",
                    },
                },
                security=security,
                silence_logs=40,
            )
            self._client = Client(self._cluster, security=security, set_as_default=False)
        self._lock = threading.Lock()
        self._closed = False
        self._runs: dict[str, Future] = {}
        self._unwritten: dict[str, str] = {}
        self._looks: weakref.WeakValueDictionary[str, Look] = weakref.WeakValueDictionary()
        self._warm = [
            self._client.submit(tasks.warm, resources={lane: 1}, key=f"warm-{lane}", pure=False)
            for lane in _LANES
        ]

    def submit(self, request: ForgetRequest, name: str | None = None, visitor: str = "") -> str:
        """Queue a forgetting job and return its run's id; raises as `submit_all`."""
        return self.submit_all([request], name, visitor)[0]

    def submit_all(
        self, requests: Sequence[ForgetRequest], name: str | None = None, visitor: str = ""
    ) -> list[str]:
        """Queue several forgetting jobs, or none where one is not possible; return their runs' ids.

        Raises:
            UserError: a request names something that does not exist, the store cannot be written, or the
                visitor of a shared server has too many runs.
        """
        for request in requests:
            request.check_names()
        make_room(self.store, visitor, len(requests))
        for request in requests:
            weights_before(self.store, request)
        return [self._queue(request, name, visitor) for request in requests]

    def _queue(self, request: ForgetRequest, name: str | None, visitor: str) -> str:
        run_id = self.store.create(request, name, visitor).id
        future = self._client.submit(
            tasks.forget,
            str(self.store.root),
            run_id,
            resources={"forget": 1},
            key=f"forget-{run_id}",
            pure=False,
        )
        self._runs[run_id] = future
        future.add_done_callback(lambda future: self._ended(run_id, future))
        return run_id

    def cancel(self, run_id: str) -> None:
        """Stop a run at its next step, or at once while it still waits or no worker carries it out."""
        self.store.request_cancel(run_id)
        run = self.store.get(run_id)
        lost = run.state == RunState.RUNNING and run.owner == this_process() and run_id not in self._runs
        if run.state == RunState.QUEUED or lost:
            future = self._runs.pop(run_id, None)
            self.store.finish(run_id, RunState.CANCELLED)
            if future is not None:
                future.cancel()

    def look(self, task: str, **arguments: Any) -> Look:
        """Start a function of `tasks` in the looking lane.

        A second call with the same arguments while the first is under way gets the same Look.
        """
        key = f"{task}-{tokenize(arguments)}"
        with self._lock:
            look = self._looks.get(key)
            if look is None or look.done():
                future = self._client.submit(
                    getattr(tasks, task),
                    **arguments,
                    resources={"look": 1},
                    key=f"{task}-{uuid.uuid4().hex}",
                    pure=False,
                )
                look = self._looks[key] = Look(future)
        return look

    def close(self) -> None:
        """End the workers; runs under way become interrupted."""
        # Before anything else: a process that is told to end may not come to the end of this.
        self._closed = True
        for run in self.store.runs():
            if run.state in UNDER_WAY and run.owner == this_process():
                self.store.finish(
                    run.id, RunState.INTERRUPTED, error="The program was closed before this run ended."
                )
        self._client.close()
        self._cluster.close()

    def _ended(self, run_id: str, future: Future) -> None:
        """Note the end of a run that could not note it itself."""
        self._runs.pop(run_id, None)
        if future.status == "error" and not self._closed:
            fault = future.exception()
            self._unwritten[run_id] = _DIED if isinstance(fault, KilledWorker) else public_message(fault)
            self._write_ends()

    def _write_ends(self) -> None:
        """Write the ends of runs that failed; on a full disk try again later, until there is room."""
        try:
            under_way = [run.id for run in self.store.runs() if run.state in UNDER_WAY]
            for run_id, sentence in list(self._unwritten.items()):
                if run_id in under_way:
                    self.store.finish(run_id, RunState.FAILED, error=sentence)
                self._unwritten.pop(run_id, None)
        except UserError as error:
            _log.warning("The end of a run could not be written yet: %s", error)
            again = threading.Timer(_AGAIN_SECONDS, self._write_ends)
            again.daemon = True
            again.start()


def _lanes(root: Path, security: Security) -> dict[str, Any]:
    """Return the specification of two workers a device."""
    specification = {}
    for number, device in enumerate(_devices()):
        environment = {"UNLEARN_HOME": str(root)}
        if is_shared():
            # Whoever asks for weights asks in their own name, not in that of who runs the server.
            environment["HF_HUB_DISABLE_IMPLICIT_TOKEN"] = "1"
        if device is not None:
            environment["CUDA_VISIBLE_DEVICES"] = device
        for lane in _LANES:
            name = f"{lane}-{number}"
            specification[name] = {
                "cls": Nanny,
                "options": {
                    "name": name,
                    "protocol": "tls",
                    "security": security,
                    "nthreads": 1,
                    "resources": {lane: 1},
                    "env": environment,
                    "memory_limit": 0,
                    "dashboard": False,
                    "host": "127.0.0.1",
                    "silence_logs": 40,
                },
            }
    return specification


def _devices() -> list[str | None]:
    """Return the CUDA devices in sight, or [None]: found without torch, which the server never imports."""
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None:
        return [part.strip() for part in chosen.split(",") if part.strip()] or [None]
    cards = Path("/proc/driver/nvidia/gpus")
    count = len(list(cards.iterdir())) if cards.is_dir() else 0
    return [str(number) for number in range(count)] or [None]
