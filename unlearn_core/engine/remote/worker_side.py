"""What a worker of a cluster does: it works in a home of its own, which it fills with what a task needs."""

import logging
import os
import shutil
import threading
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import fields, replace
from pathlib import Path, PurePosixPath
from typing import Any

from distributed import Status, Worker, get_worker
from distributed.protocol.pickle import loads

from unlearn_core.common.brought import OUTSIDE, SERVER_HOME, here
from unlearn_core.common.sharing import is_shared
from unlearn_core.engine import tasks
from unlearn_core.engine.remote.errand import ROW, Answer, Errand, Given, News, Placed
from unlearn_core.engine.remote.parcel import (
    TRAVELS,
    Parcel,
    Part,
    Stamp,
    changes,
    read_part,
    stamp_of,
    stamps,
    write_part,
)
from unlearn_core.engine.remote.versions import refuse_others
from unlearn_core.errors import UserError
from unlearn_core.store.rows import UNDER_WAY, Run
from unlearn_core.store.runs import Store, open_store

_SECONDS_BETWEEN = 1.0
"""Between two looks whether the task is still wanted."""
_KEPT_SECONDS = 48 * 3600
"""That a file stays in the home of a worker after it was needed last."""

_log = logging.getLogger(__name__)


def carry_out(versions: Mapping[str, str], packed: bytes) -> Answer:
    """Carry out an `Errand` that a server with these versions has packed; others raise `UserError`."""
    logging.getLogger("distributed.worker").addFilter(_is_worth_a_line)
    worker = get_worker()
    refuse_others(versions)
    if worker.state.nthreads != 1:
        raise UserError("The cluster's workers must be started with --nthreads 1.")
    task = _Task(worker, loads(packed))
    _under_way[task.key] = task
    try:
        return task.carry_out()
    finally:
        del _under_way[task.key]


def exchange(given: Mapping[str, Given]) -> dict[str, News]:
    """Take what the server has for its tasks, by key, and return news of those that are under way here."""
    return {key: _under_way[key].exchange(one) for key, one in given.items() if key in _under_way}


def _is_worth_a_line(record: logging.LogRecord) -> bool:
    return exchange.__name__ not in record.getMessage()


class _Task:
    """One attempt to carry out an errand."""

    def __init__(self, worker: Worker, errand: Errand) -> None:
        self.key = str(worker.get_current_task())
        self._worker, self._errand, self._attempt = worker, errand, uuid.uuid4().hex
        self._home = Path(worker.local_directory) / f"home-{errand.server}"
        self._lacks: set[str] | None = None  # before it is known
        self._complete, self._ended = threading.Event(), threading.Event()
        self._fault: OSError | None = None
        self._begun_with: dict[str, Stamp] | None = None
        self._server_has: dict[str, Stamp] = {}

    def carry_out(self) -> Answer:
        """Fill the home, do the work, and return what came of it."""
        self._set_environment()
        store = open_store(self._home)
        for row in self._errand.rows:
            _put(store, Run(**row))
        self._fill()
        self._begun_with = stamps(self._home, TRAVELS)
        if self._errand.run_id is None:
            return self._answer(self._look(), None)
        return self._answer(None, self._forget(store, self._errand.run_id))

    def exchange(self, given: Given) -> News:
        """See `exchange`; in the thread of Dask's communication, while the task has its own."""
        if given.attempt == self._attempt:
            self._server_has = given.have
        if self._lacks is not None:
            self._take(given.files)
        run_id = self._errand.run_id
        if run_id is None or self._begun_with is None:
            return News(self._attempt, tuple(self._lacks or ()), None, Parcel({}))
        store = open_store(self._home)
        if given.stop:
            store.request_cancel(run_id)
        # The row first: the files are then as new as what it says of them.
        row = _row(store, run_id)
        return News(self._attempt, (), row, self._changes(f"runs/{run_id}"))

    def _take(self, files: Mapping[str, Part | None]) -> None:
        assert self._lacks is not None
        for place in self._lacks & files.keys():
            part = files[place]
            try:
                if part is not None:
                    write_part(self._home / place, part)
            except OSError as error:
                self._fault = error
        self._lacks -= files.keys()
        if not self._lacks:
            self._complete.set()

    def _set_environment(self) -> None:
        """Let this process work in the home: it has one task at a time."""
        os.environ |= {"UNLEARN_HOME": str(self._home), SERVER_HOME: self._errand.root}
        os.environ |= self._errand.settings
        if is_shared():
            # Visitors download weights anonymously, not with the token of the server's operator.
            os.environ["HF_HUB_DISABLE_IMPLICIT_TOKEN"] = "1"

    def _fill(self) -> None:
        """Make the home agree with the server's, and wait for files that are lacking."""
        listed = self._errand.files
        for pattern in self._errand.whole:
            for path in self._home.glob(pattern):
                if path.is_file() and path.relative_to(self._home).as_posix() not in listed:
                    path.unlink()
        found = {place for place, stamp in listed.items() if _is_here(self._home / place, stamp)}
        for place in found:
            os.utime(self._home / place, ns=(time.time_ns(), listed[place].changed))
        _remove_old(self._home)
        self._lacks = listed.keys() - found
        while self._lacks and not self._complete.wait(_SECONDS_BETWEEN):
            if not self._is_wanted():
                raise UserError("The server does not ask for this any more.")
        if self._fault is not None:
            reason = self._fault.strerror or self._fault
            raise UserError(f"A worker of the cluster cannot store what it needs: {reason}.")

    def _is_wanted(self) -> bool:
        """Return whether anybody still wants the task: it may have been cancelled, or the server has died."""
        known = self._worker.state.tasks.get(self.key)
        at_work = self._worker.status in (Status.running, Status.paused)
        return at_work and known is not None and known.state != "cancelled"

    def _look(self) -> Any:
        asked = self._errand.asked
        assert asked is not None
        paths = {
            field.name: here(value)
            for field in fields(asked)  # type: ignore[arg-type]
            if isinstance(value := getattr(asked, field.name), Path)
        }
        return tasks.look(str(self._home), replace(asked, **paths))  # type: ignore[type-var]

    def _forget(self, store: Store, run_id: str) -> dict[str, Any]:
        """Carry out the run; its end is in the row that is returned."""
        threading.Thread(target=self._stop_if_unwanted, args=(store, run_id), daemon=True).start()
        try:
            tasks.forget(str(self._home), run_id, self._errand.found_by)
        except Exception as error:
            if store.get(run_id).state in UNDER_WAY:
                raise
            if not isinstance(error, UserError):
                _log.exception("Run %s failed.", run_id)
        finally:
            self._ended.set()
        return _row(store, run_id)

    def _stop_if_unwanted(self, store: Store, run_id: str) -> None:
        while not self._ended.wait(_SECONDS_BETWEEN):
            if not self._is_wanted():
                with suppress(UserError):
                    store.request_cancel(run_id)

    def _changes(self, *folders: str) -> Parcel:
        assert self._begun_with is not None
        return changes(self._home, self._begun_with | self._server_has, folders)

    def _answer(self, value: Any, row: dict[str, Any] | None) -> Answer:
        parcel = self._changes(*TRAVELS)
        if isinstance(value, Path):
            place = value.relative_to(self._home).as_posix()
            # The worker may have had the file already, of an earlier task, and the server not.
            parcel.parts.setdefault(place, read_part(value))
            value = Placed(PurePosixPath(place))
        return Answer(value, row, parcel)


_under_way: dict[str, _Task] = {}


def _remove_old(home: Path) -> None:
    """Remove what no task has needed for long: the server may have deleted it."""
    for folder in (*TRAVELS, OUTSIDE, "cache"):
        for path in (home / folder).rglob("*"):
            with suppress(OSError):
                if path.is_file() and time.time() - path.stat().st_atime > _KEPT_SECONDS:
                    path.unlink()


def _is_here(path: Path, stamp: Stamp) -> bool:
    return path.is_file() and stamp_of(path).is_same(stamp)


def _row(store: Store, run_id: str) -> dict[str, Any]:
    run = store.get(run_id)
    return {name: getattr(run, name) for name in ROW}


def _put(store: Store, run: Run) -> None:
    """Write a row as it is, in place of an earlier one."""
    try:
        store.get(run.id)
    except UserError:
        shutil.rmtree(store.folder(run.id), ignore_errors=True)
        store.add([run])
    else:
        store.update(run.id, **{name: getattr(run, name) for name in Run.model_fields})
