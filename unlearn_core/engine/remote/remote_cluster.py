"""The engine's tasks on a cluster that exists already."""

import hashlib
import os
import socket
import threading
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError, Future
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from typing import Any

import distributed
from distributed import Client, KilledWorker
from distributed.client import ClosedClientError
from distributed.comm import CommClosedError
from distributed.protocol.pickle import dumps, loads

from unlearn_core.common.quotas import QUOTAS
from unlearn_core.engine.additions import AddClassifierRequest, AddImageSetRequest, AddUploadRequest
from unlearn_core.engine.looks import LookRequest
from unlearn_core.engine.remote import worker_side
from unlearn_core.engine.remote.connection import Connection
from unlearn_core.engine.remote.courier import Courier
from unlearn_core.engine.remote.errand import Answer, Errand
from unlearn_core.engine.remote.needs import Needs, needs_of_look, needs_of_run
from unlearn_core.engine.remote.parcel import Stamp, stamp_of
from unlearn_core.engine.remote.sent import Sent
from unlearn_core.engine.remote.versions import PROJECT, versions
from unlearn_core.errors import UserError, first_line
from unlearn_core.jobs.shared_result import take_over
from unlearn_core.store.limits import check_disk
from unlearn_core.store.rows import Run
from unlearn_core.store.runs import Store

_SETTINGS = ("UNLEARN_SHARED", *(quota.variable for quota in QUOTAS))
_ADDING = (AddClassifierRequest, AddImageSetRequest, AddUploadRequest)
"""Choose a name or number that is free: two workers would choose the same."""


class RemoteCluster:
    """Gives tasks to the workers of the Dask cluster at an address.

    Tasks are tied to workers with the resources `forget` and `look`. Nothing is connected before the first
    task: what goes wrong is said where somebody asked for something.
    """

    def __init__(self, store: Store, address: str) -> None:
        self._store, self._connection = store, Connection(address)
        self._courier = Courier(lambda: self.client)
        self._adding = threading.Lock()
        self._runs: dict[str, tuple[Sent, Future[Any]]] = {}

    @property
    def client(self) -> Client:
        """The connection to the scheduler; raises `UserError` if there is none."""
        return self._connection.client

    def check(self) -> None:
        """Raise `UserError` if the cluster cannot be reached."""
        assert self.client

    def forget(self, run: Run, priority: int, found_by: str | None) -> Future[Any]:
        """Carry out a queued run, or give it the result of an equal one; see `tasks.forget`."""
        outcome: Future[Any] = Future()
        try:
            if found_by is None and take_over(self._store, run):
                outcome.set_result(None)
                return outcome
            sent, outcome = self._send(
                f"forget-{run.id}",
                needs_of_run(self._store, run, found_by),
                {"run_id": run.id, "found_by": found_by},
                resources={"forget": 1},
                priority=priority,
            )
        except Exception as error:
            outcome.set_exception(self._in_words(error))
            return outcome
        self._runs[run.id] = sent, outcome
        outcome.add_done_callback(lambda _: self._ended(run.id))
        return outcome

    def look(self, request: LookRequest[Any]) -> Future[Any]:
        """Answer a request."""
        answer: Future[Any] = Future()
        threading.Thread(target=self._look, args=(request, answer), daemon=True).start()
        return answer

    def end_worker_of(self, run_id: str) -> bool:
        """Restart the worker that carries out a run, and return whether there is one."""
        for address, keys in self.client.processing().items():
            if any(key.startswith(f"forget-{run_id}-") for key in keys):
                _, outcome = self._runs[run_id]
                if outcome.set_running_or_notify_cancel():
                    outcome.set_exception(KilledWorker(run_id, address, 0))
                self.client.restart_workers([address], raise_for_error=False)
                return True
        return False

    def close(self) -> None:
        """Leave the cluster, which then ends the tasks of this server."""
        self._courier.close()
        self._connection.close()

    def _look(self, request: LookRequest[Any], answer: "Future[Any]") -> None:
        """Find the answer; in a thread, as to list what is needed and to connect takes time."""
        try:
            with self._adding if isinstance(request, _ADDING) else nullcontext():
                if isinstance(request, _ADDING):
                    # The worker's home has only a part of what is kept of a visitor.
                    check_disk(self._store.root, request.visitor)
                _, outcome = self._send(
                    type(request).__name__,
                    needs_of_look(self._store, request),
                    {"asked": request},
                    resources={"look": 1},
                )
                answer.set_result(outcome.result())
        except Exception as error:
            answer.set_exception(self._in_words(error))

    def _send(self, name: str, needs: Needs, task: dict[str, Any], **how: Any) -> tuple[Sent, Future[Any]]:
        """Submit a task; its outcome comes when all that belongs to it is stored here."""
        errand = Errand(
            server=hashlib.sha256(f"{socket.gethostname()} {self._store.root}".encode()).hexdigest()[:16],
            root=str(self._store.root),
            settings={name: os.environ.get(name, "") for name in _SETTINGS},
            files=_stamps(needs),
            whole=needs.whole,
            rows=[run.model_dump() for run in needs.runs],
            **task,
        )
        key = f"{name}-{uuid.uuid4().hex}"
        outcome: Future[Any] = Future()
        sent = Sent(self._store, needs.files, errand.run_id, lambda error: _fail(outcome, error))
        call = _Call(versions(), dumps(errand))
        work = self.client.submit(loads, dumps(call), key=key, pure=False, **how)
        self._courier.add(key, sent)
        outcome.add_done_callback(lambda _: self._forget_about(key, sent, work))
        work.add_done_callback(lambda work: self._arrived(sent, outcome, work))
        return sent, outcome

    def _forget_about(self, key: str, sent: Sent, work: distributed.Future) -> None:
        """Let the cluster drop a task that has ended or is not wanted any more."""
        self._courier.remove(key)
        sent.close()
        # Not `cancel`: it waits for the loop of its client, which never answers while it is being closed, and
        # this method is called in the one thread that all clients of a process have for callbacks.
        with suppress(RuntimeError, ClosedClientError):
            work.release()

    def _arrived(self, sent: Sent, outcome: "Future[Any]", work: distributed.Future) -> None:
        if outcome.done():
            return
        try:
            value = sent.end(work.result())
        except Exception as error:
            _fail(outcome, self._in_words(error))
        else:
            if outcome.set_running_or_notify_cancel():
                outcome.set_result(value)

    def _ended(self, run_id: str) -> None:
        """Let waiting runs have the result of this one, if they asked for the same."""
        self._runs.pop(run_id, None)
        for other, (sent, outcome) in list(self._runs.items()):
            # To cancel one calls this method for it, which may serve others of the list.
            with suppress(UserError, OSError):
                waits = other in self._runs and not sent.has_begun
                if waits and take_over(self._store, self._store.get(other)):
                    outcome.cancel()

    def _in_words(self, error: Exception) -> Exception:
        """Return what to raise here for what a task raised there."""
        if isinstance(error, CancelledError | CommClosedError):
            return self._connection.lost()
        if isinstance(error, ImportError | AttributeError) and "unlearn_core" in str(error):
            return UserError(
                f"A worker of the cluster has no {PROJECT} {versions()[PROJECT]}: {first_line(error)}."
            )
        return error


@dataclass(frozen=True)
class _Call:
    """Turns into the end of a task where it is unpickled: by calling `worker_side.carry_out`.

    A worker that lacks that function would die if Dask looked for it. The scheduler does not need it at all.
    """

    versions: Mapping[str, str]
    errand: bytes

    def __reduce__(self) -> tuple[Callable[..., Answer], tuple[Mapping[str, str], bytes]]:
        return worker_side.carry_out, (self.versions, self.errand)


def _fail(outcome: "Future[Any]", error: Exception) -> None:
    if outcome.set_running_or_notify_cancel():
        outcome.set_exception(error)


def _stamps(needs: Needs) -> dict[str, Stamp]:
    found = {}
    for place, path in needs.files.items():
        with suppress(OSError):
            found[place] = stamp_of(path)
    return found
