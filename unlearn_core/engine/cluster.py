"""Two warm lanes a device, each a worker process of its own: one forgets, one looks.

Dask's `LocalCluster` gives all its workers the same resources; lanes need one each, so this builds the
`SpecCluster` under it. A nanny starts a worker again that died, and tasks are tied to a lane by resource, not
by address, so the lane's next worker takes the next task.
"""

import os
import threading
import uuid
import weakref
from pathlib import Path
from typing import Any

import dask
from dask.base import tokenize
from distributed import Client, Future, KilledWorker, Nanny, Scheduler, SpecCluster
from distributed.client import ClosedClientError

from unlearn_core.engine import tasks
from unlearn_core.errors import LookFailed, UserError
from unlearn_core.runs.chain import weights_before
from unlearn_core.runs.request import ForgetRequest
from unlearn_core.runs.store import UNDER_WAY, RunState, Store, this_process
from unlearn_core.runs.visitors import clean_up, make_room
from unlearn_core.sharing import is_shared, told

_DIED = "The worker process died, most likely out of memory: try fewer pictures or a smaller batch."
_LOST = "The worker processes were restarted or closed before this was finished: try again."
_SETTINGS = {
    # A task that took its worker down would take the next one down too.
    "distributed.scheduler.allowed-failures": 0,
    # Dask would hold every worker to one thread; the same request must run as on the command line.
    "distributed.nanny.pre-spawn-environ": {},
    "distributed.worker.daemon": True,
}
_LANES = ("forget", "look")


class Look:
    """Something a worker is finding out."""

    def __init__(self, future: Future) -> None:
        self._future = future

    def done(self) -> bool:
        """Tell whether `result` would return or raise at once."""
        return bool(self._future.done())

    def result(self, timeout: float | None = None) -> Any:
        """Wait for the result and return it.

        Args:
            timeout: seconds; None waits as long as the worker looks.

        Raises:
            LookFailed: with the sentence of the `UserError` raised in the worker, or because of a fault of
                the program there, or because the worker died or the engine was closed.
            TimeoutError: there is no result yet.
        """
        try:
            # Not `Future.result(timeout)`: when its time is up while Dask fetches results, it cancels the
            # fetching that all looks share, and from then on no look of this engine has a result.
            fault = self._future.exception(timeout)
            if fault is None:
                return self._future.result()
        except TimeoutError:
            raise
        except Exception as error:
            fault = error
        raise LookFailed(self._sentence(fault)) from fault

    def _sentence(self, fault: BaseException) -> str:
        if isinstance(fault, UserError):
            return str(fault)
        if isinstance(fault, KilledWorker):
            return _DIED
        # In any other state it is Dask that failed, not the function that looked.
        return told(fault) if self._future.status == "error" else _LOST


class Engine:
    """Runs jobs in the background; one a server process. Nothing here imports torch."""

    def __init__(self, store: Store) -> None:
        """Mark runs that an earlier server left behind as interrupted, and start the workers."""
        self.store = store
        store.mark_interrupted()
        if is_shared():
            clean_up(store)
        with dask.config.set(_SETTINGS):
            self._cluster = SpecCluster(
                workers=_lanes(store.root),
                scheduler={
                    "cls": Scheduler,
                    "options": {
                        "host": "127.0.0.1",
                        "port": 0,
                        "dashboard": False,
                        "dashboard_address": "127.0.0.1:0",
                    },
                },
                silence_logs=40,
            )
            self._client = Client(self._cluster, set_as_default=False)
        self._lock = threading.Lock()
        self._runs: dict[str, Future] = {}
        self._looks: weakref.WeakValueDictionary[str, Look] = weakref.WeakValueDictionary()
        self._warm = [
            self._client.submit(tasks.warm, resources={lane: 1}, key=f"warm-{lane}", pure=False)
            for lane in _LANES
        ]

    def submit(self, request: ForgetRequest, name: str | None = None, visitor: str = "") -> str:
        """Queue a forgetting job and return its run's id.

        Raises:
            UserError: the request names something that does not exist, the store cannot be written, or the
                visitor of a shared server has too many runs.
        """
        request.check_names()
        make_room(self.store, visitor)
        weights_before(self.store, request)
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
        """Stop a run at its next step, or at once while it still waits."""
        self.store.request_cancel(run_id)
        if self.store.get(run_id).state == RunState.QUEUED:
            future = self._runs.pop(run_id, None)
            self.store.finish(run_id, RunState.CANCELLED)
            if future is not None:
                future.cancel()

    def look(self, task: str, **arguments: Any) -> Look:
        """Start a function of `tasks` in the looking lane.

        A second call with the same arguments while the first is under way gets the same Look; once it has
        ended, well or not, the look starts anew. Raises `LookFailed` after `close`.
        """
        key = f"{task}-{tokenize(arguments)}"
        with self._lock:
            look = self._looks.get(key)
            if look is None or look.done():
                try:
                    future = self._client.submit(
                        getattr(tasks, task),
                        **arguments,
                        resources={"look": 1},
                        key=f"{task}-{uuid.uuid4().hex}",
                        pure=False,
                    )
                except ClosedClientError as error:
                    raise LookFailed(_LOST) from error
                look = self._looks[key] = Look(future)
        return look

    def close(self) -> None:
        """End the workers; runs under way become interrupted."""
        self._client.close()
        self._cluster.close()
        for run in self.store.runs():
            if run.state in UNDER_WAY and run.owner == this_process():
                self.store.finish(
                    run.id, RunState.INTERRUPTED, error="The program was closed before this run ended."
                )

    def _ended(self, run_id: str, future: Future) -> None:
        """Note the end of a run that could not note it itself."""
        self._runs.pop(run_id, None)
        if future.status == "error" and self.store.get(run_id).state in UNDER_WAY:
            fault = future.exception()
            sentence = _DIED if isinstance(fault, KilledWorker) else told(fault)
            self.store.finish(run_id, RunState.FAILED, error=sentence)


def _lanes(root: Path) -> dict[str, Any]:
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
