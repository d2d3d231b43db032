"""The store: one SQLite row and one folder per run.

The row holds the request, the state and the numbers; the folder holds `weights.safetensors`, `snapshots/`,
`steps.jsonl`, `predictions.npz` and `weight_maps.npz`. None of them is a pickle. Any process may write:
SQLite is in WAL mode and every call opens its own short transaction.
"""

import json
import logging
import shutil
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine as SqlEngine
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlmodel import Session, create_engine, select

from unlearn_core.artifacts.results import Result
from unlearn_core.artifacts.steps import StepRecord, read_steps
from unlearn_core.common.home import home, make_private
from unlearn_core.common.log import log_event
from unlearn_core.errors import UserError
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.rows import UNDER_WAY, Run, RunState, is_alive, this_process
from unlearn_core.store.schema import bring_up_to_date, refuse_newer

DATABASE = "runs.sqlite"
"""The file in the store's root."""

_log = logging.getLogger(__name__)


Check = Callable[[list[Run]], None]
"""Raises `UserError` if a visitor with these runs may not have another."""


class Store:
    """The runs of one `UNLEARN_HOME`."""

    def __init__(self, root: Path | None = None) -> None:
        self.root = root or home()
        self._ends: dict[str, tuple[RunState, str]] = {}
        try:
            (self.root / "runs").mkdir(parents=True, exist_ok=True)
            make_private(self.root)
        except OSError as error:
            raise self._cannot_write(error.strerror) from error
        self._sql = _open_database(self.root / DATABASE)
        self._warn_of_lost_rows()

    def create(self, request: ForgetRequest, name: str | None = None, visitor: str = "") -> Run:
        """Add a queued run owned by this process and make its folder."""
        return self.create_all([request], name, visitor)[0]

    def create_all(
        self,
        requests: Sequence[ForgetRequest],
        name: str | None = None,
        visitor: str = "",
        check: Check = lambda kept: None,
    ) -> list[Run]:
        """Add queued runs as `create` does, or none of them.

        `check` gets the visitor's runs while no other process can add one, and raises if these are too many.
        """
        # On a shared server the id gives access to the run, so it must not be guessable.
        runs = [
            Run(
                id=uuid.uuid4().hex[: 32 if visitor else 8],
                name=name or _default_name(request),
                created=datetime.now(UTC),
                request=request.model_dump_json(),
                owner=this_process(),
                visitor=visitor,
            )
            for request in requests
        ]
        self.add(runs, check=check)
        for run, request in zip(runs, requests, strict=True):
            log_event("run queued", run.id, method=request.method)
        return runs

    def add(
        self,
        runs: Sequence[Run],
        fill: Callable[[Path], None] = lambda folder: None,
        check: Check = lambda kept: None,
    ) -> None:
        """Add runs of one visitor whose folders `fill` fills; none stays if one cannot be written."""
        made: list[Path] = []
        try:
            for run in runs:
                self.folder(run.id).mkdir(parents=True)
                made.append(self.folder(run.id))
                fill(made[-1])
            with self._alone() as session:
                check(self._all(session, runs[0].visitor))
                session.add_all(runs)
                session.commit()
        except (OSError, UserError) as error:
            for folder in made:
                shutil.rmtree(folder, ignore_errors=True)
            raise self._cannot_write(error.strerror) if isinstance(error, OSError) else error from error

    def queue_again(self, run_id: str, check: Check = lambda kept: None) -> Run:
        """Queue an interrupted run again, in this process; another one raises `UserError`."""
        with self._alone() as session:
            run = session.get(Run, run_id)
            if run is None or run.state != RunState.INTERRUPTED:
                raise UserError(f"There is no interrupted run {run_id}.")
            check(self._all(session, run.visitor))
            run.state, run.owner, run.error, run.finished = RunState.QUEUED, this_process(), None, None
            run.cancel_requested = False
            session.commit()
        log_event("run resumed", run_id)
        return run

    def get(self, run_id: str) -> Run:
        """Return the run with this id; an unknown one raises `UserError`."""
        with self._session() as session:
            run = session.get(Run, run_id)
        if run is None:
            raise UserError(f"There is no run {run_id}.")
        return self._as_ended(run.checked())

    def runs(self, visitor: str = "") -> list[Run]:
        """Return all runs, or those of one visitor, the newest first; unreadable ones are `damaged`."""
        with self._session() as session:
            return self._all(session, visitor)

    def _all(self, session: Session, visitor: str) -> list[Run]:
        newest_first = select(Run).order_by(Run.created.desc())  # type: ignore[attr-defined]
        found = list(session.exec(newest_first))
        return [self._as_ended(run.checked()) for run in found if not visitor or run.visitor == visitor]

    def update(self, run_id: str, **fields: Any) -> None:
        """Set columns of a run; nothing happens if it was deleted meanwhile."""
        with self._session() as session:
            run = session.get(Run, run_id)
            if run is not None:
                for name, value in fields.items():
                    setattr(run, name, value)
                session.add(run)
                session.commit()

    def finish(
        self, run_id: str, state: RunState, *, result: Result | None = None, error: str | None = None
    ) -> None:
        """Set the final state with its result or its error, and the time."""
        written = None if result is None else json.dumps(result.to_json())
        self.update(run_id, state=state, result=written, error=error, finished=datetime.now(UTC))
        seconds, device = (None, None) if result is None else (result.seconds.total, result.device)
        log_event("run ended", run_id, state=state, seconds=seconds, device=device)

    def end(self, run_id: str, state: RunState, error: str) -> None:
        """End a run that no process carries out any more, unless it is final.

        On a full disk the end is known to this process only, until `write_ends` succeeds.
        """
        self._ends[run_id] = (state, error)
        if not self.write_ends():
            _log.warning("The end of run %s could not be written yet: %s", run_id, error)

    def write_ends(self) -> bool:
        """Write the ends that a full disk delayed; return whether none is left."""
        try:
            for run_id, (state, error) in list(self._ends.items()):
                with self._session() as session:
                    run = session.get(Run, run_id)
                    if run is not None and run.state in UNDER_WAY:
                        run.state, run.error, run.finished = state, error, datetime.now(UTC)
                        session.commit()
                        log_event("run ended", run_id, state=state)
                self._ends.pop(run_id, None)
        except UserError:
            return False
        return True

    def _as_ended(self, run: Run) -> Run:
        if run.state in UNDER_WAY and run.id in self._ends:
            run.state, run.error = self._ends[run.id]
        return run

    def rename(self, run_id: str, name: str) -> None:
        """Rename a run; the name must have 1 to 80 characters."""
        name = name.strip()
        if not 1 <= len(name) <= 80:
            raise UserError("The name of a run must have 1 to 80 characters.")
        self.get(run_id)
        self.update(run_id, name=name)

    def delete(self, run_id: str) -> None:
        """Remove a run's row and folder; one under way must be cancelled first."""
        run = self.get(run_id)
        if run.state in UNDER_WAY and is_alive(run.owner):
            raise UserError(f"Run {run_id} is under way: cancel it before deleting it.")
        # The folder first: on a full disk the row can only be removed after that.
        shutil.rmtree(self.folder(run_id), ignore_errors=True)
        with self._session() as session:
            session.delete(run)
            session.commit()

    def request_cancel(self, run_id: str) -> None:
        """Request a run to stop at its next step."""
        self.get(run_id)
        self.update(run_id, cancel_requested=True)

    def cancel_requested(self, run_id: str) -> bool:
        """Return whether a run was requested to stop, or was deleted."""
        with self._session() as session:
            run = session.get(Run, run_id)
            return run is None or run.cancel_requested

    def mark_interrupted(self) -> list[str]:
        """Mark runs under way whose owner died as interrupted; return their ids."""
        lost = [run.id for run in self.runs() if run.state in UNDER_WAY and not is_alive(run.owner)]
        for run_id in lost:
            self.end(run_id, RunState.INTERRUPTED, "The program ended before this run did.")
        return lost

    def _warn_of_lost_rows(self) -> None:
        """Log a sentence where there are folders of runs but no row at all: the database was lost."""
        # What is wrong with the database itself is said by the first use.
        with suppress(UserError), self._session() as session:
            if session.exec(select(Run.id).limit(1)).first() is None:
                kept = [folder for folder in (self.root / "runs").iterdir() if any(folder.glob("*"))]
                if kept:
                    _log.warning(
                        "The store's database runs.sqlite is empty, but %s has files of %d run%s: "
                        "put back a copy of the database to see them.",
                        self.root / "runs",
                        len(kept),
                        "s" if len(kept) > 1 else "",
                    )

    @contextmanager
    def _session(self) -> Iterator[Session]:
        """Open a transaction; a full disk or a damaged database raises `UserError`."""
        try:
            with Session(self._sql, expire_on_commit=False) as session:
                yield session
        except OperationalError as error:
            raise self._cannot_write(error.orig) from error
        except DatabaseError as error:
            raise UserError(f"The store's database runs.sqlite is damaged: {error.orig}.") from error

    @contextmanager
    def _alone(self) -> Iterator[Session]:
        """Open a transaction in which no other process writes."""
        with self._session() as session:
            session.connection().exec_driver_sql("BEGIN IMMEDIATE")
            yield session

    def _cannot_write(self, reason: object) -> UserError:
        return UserError(f"The store cannot be written: {reason}.")

    def folder(self, run_id: str) -> Path:
        """Return the run's folder."""
        return self.root / "runs" / run_id

    def steps(self, run_id: str) -> list[StepRecord]:
        """Return the run's steps so far; damaged ones raise `UserError`."""
        return read_steps(self.folder(run_id))


def open_store(root: Path | None = None) -> Store:
    """Return the store at `root`, by default in `UNLEARN_HOME`; one instance per process."""
    return _open_store(root or home())


@lru_cache
def _open_store(root: Path) -> Store:
    return Store(root)


def _default_name(request: ForgetRequest) -> str:
    """Return method, pick and image set as the name of a run."""
    kind, _, rest = request.pick.partition(":")
    count = len(rest.split(","))
    pick = request.pick if kind != "ids" else f"{count} picture{'s' if count > 1 else ''}"
    return f"{request.method} · {pick} · {request.images}"


def _open_database(path: Path) -> SqlEngine:
    sql = create_engine(f"sqlite:///{path}", connect_args={"timeout": 30})

    @event.listens_for(sql, "connect")
    def _set_pragmas(connection: Any, _record: Any) -> None:
        refuse_newer(connection)
        # A row with invalid UTF-8 must not make all others unreadable.
        connection.text_factory = lambda text: text.decode(errors="replace")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")

    try:
        bring_up_to_date(sql)
    except DatabaseError as error:
        raise UserError(f"The store's database {path.name} cannot be opened: {error.orig}.") from error
    return sql
