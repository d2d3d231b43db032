"""A task that was sent to the cluster: what the server gives for it, and keeps of it."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from unlearn_core.artifacts.results import Result
from unlearn_core.common.log import log_event
from unlearn_core.engine.remote.errand import Answer, Given, News, Placed
from unlearn_core.engine.remote.parcel import STAYS, Parcel, Part, Stamp, is_inside, read_part, write_part
from unlearn_core.errors import UserError
from unlearn_core.store.rows import UNDER_WAY, RunState
from unlearn_core.store.runs import Store
from unlearn_core.store.sign import sign

_AT_ONCE = 64 * 2**20
"""Bytes of files that a worker is given at once, if they are more than one."""


class Sent:
    """One task, from its start to its end.

    Args:
        store: of the server.
        files: that the task needs, by place.
        run_id: of the run that it carries out; None for a look.
        failed: called with one sentence if what comes of it cannot be stored.
    """

    def __init__(
        self,
        store: Store,
        files: dict[str, Path],
        run_id: str | None,
        failed: Callable[[UserError], None],
    ) -> None:
        self.run_id = run_id
        self._store, self._files, self._failed = store, files, failed
        self._attempt, self._have = "", dict[str, Stamp]()
        self._lacks: tuple[str, ...] = ()
        self._is_over = False
        self._lock = threading.RLock()

    @property
    def has_begun(self) -> bool:
        """Whether a worker is known to be at it."""
        return bool(self._attempt)

    def given(self) -> Given:
        """Return what its worker gets now."""
        files: dict[str, Part | None] = {}
        size = 0
        for place in self._lacks:
            if size < _AT_ONCE and place in self._files:
                files[place] = part = _read(self._files[place])
                size += len(part.data) if part else 0
        stop = self.run_id is not None and self._store.cancel_requested(self.run_id)
        return Given(self._attempt, self._have, files, stop)

    def take(self, news: News) -> bool:
        """Store what its worker has to say; return whether it still lacks files."""
        with self._lock:
            if self._is_over:
                return False
            try:
                if news.attempt != self._attempt:
                    self._begin(news.attempt)
                self._lacks = news.lacks
                self._keep(news.parcel)
                # An end is written by `end`, when all files are here.
                if news.row is not None and news.row["state"] in UNDER_WAY:
                    self._write_row(news.row)
            except (OSError, UserError) as error:
                self._is_over = True
                self._failed(_not_saved(error))
        return bool(news.lacks)

    def end(self, answer: Answer) -> Any:
        """Store what came of it, and return a look's answer; what cannot be stored raises `UserError`."""
        with self._lock:
            self._is_over = True
            try:
                self._keep(answer.parcel)
                if answer.row is not None:
                    self._write_end(answer.row)
            except (OSError, UserError) as error:
                raise _not_saved(error) from error
        value = answer.value
        return self._store.root / value.place if isinstance(value, Placed) else value

    def close(self) -> None:
        """Store nothing more."""
        with self._lock:
            self._is_over = True

    def _begin(self, attempt: str) -> None:
        """Begin anew: after a worker died Dask may give its task to another, without asking."""
        if self._attempt and self.run_id is not None:
            for path in self._store.folder(self.run_id).rglob("*"):
                if path.is_file() and path.name != STAYS:
                    path.unlink()
        self._attempt, self._have = attempt, {}

    def _keep(self, parcel: Parcel) -> None:
        """Write files, then remove what the worker has removed of its run or of what is kept briefly."""
        for place, part in parcel.parts.items():
            if is_inside(place) and not self._was_deleted(place):
                write_part(self._store.root / place, part)
                self._have[place] = part.stamp
        if self.run_id is not None and parcel.parts and self._store.folder(self.run_id).is_dir():
            # The worker's own sign changes a file, but with the time of its clock.
            sign(self._store.folder(self.run_id))
        for place in parcel.gone:
            if is_inside(place) and place.startswith(("incoming/", "previews/", f"runs/{self.run_id}/")):
                (self._store.root / place).unlink(missing_ok=True)
                self._have.pop(place, None)

    def _was_deleted(self, place: str) -> bool:
        """Return whether a place is in the folder of a run that a person has deleted meanwhile."""
        parts = place.split("/")
        return parts[0] == "runs" and not self._store.folder(parts[1]).is_dir()

    def _write_row(self, row: dict[str, Any]) -> None:
        """Write the columns of a run that is under way; its times are those of this machine."""
        assert self.run_id is not None
        run = self._store.get(self.run_id)
        if run.state not in UNDER_WAY:
            return
        if run.started is None and row["state"] != RunState.QUEUED:
            log_event("run started", self.run_id)
            row = {**row, "started": datetime.now(UTC)}
        # Only what differs: some columns are also written to a file each time.
        self._store.update(
            self.run_id, **{name: row[name] for name in row if row[name] != getattr(run, name)}
        )

    def _write_end(self, row: dict[str, Any]) -> None:
        assert self.run_id is not None
        self._write_row({**row, "state": RunState.RUNNING, "result": None, "error": None})
        if self._store.get(self.run_id).state in UNDER_WAY:
            result = None if row["result"] is None else Result.model_validate_json(row["result"])
            self._store.finish(self.run_id, RunState(row["state"]), result=result, error=row["error"])


def _read(path: Path) -> Part | None:
    try:
        return read_part(path)
    except OSError:
        return None


def _not_saved(error: OSError | UserError) -> UserError:
    if isinstance(error, UserError):
        return error
    return UserError(f"What the cluster's worker found could not be saved: {error.strerror or error}.")
