"""The store: one SQLite row and one folder per run.

The row holds the request, the state and the numbers; the folder holds `weights.safetensors`, `snapshots/`,
`steps.jsonl`, `predictions.npz` and `weight_maps.npz`. None of them is a pickle. Any process may write:
SQLite is in WAL mode and every call opens its own short transaction.
"""

import json
import logging
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import DatabaseError
from sqlmodel import Session, select

from unlearn_core.artifacts.results import Result
from unlearn_core.artifacts.steps import StepRecord, read_steps
from unlearn_core.common.home import home, make_private
from unlearn_core.common.log import log_event
from unlearn_core.common.sharing import no_home_there
from unlearn_core.errors import UserError
from unlearn_core.store.database import cannot_write, file_number, is_damage, open_database
from unlearn_core.store.news import tell
from unlearn_core.store.processes import is_alive, left_behind, show_life, this_process
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.restore import in_words, lost_runs
from unlearn_core.store.room import check_room
from unlearn_core.store.rows import UNDER_WAY, Run, RunState, is_run_id, new_run
from unlearn_core.store.run_file import PROGRESS, check_folder, has_run_file, remove_folder, write_run_file

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
            raise no_home_there(self.root, error.strerror) from error
        self._open()

    def _open(self) -> None:
        """Open the database, and make rows anew that it does not have."""
        self._sql = open_database(self.root)
        self._file = file_number(self.root)
        with self._session() as session:
            lost = lost_runs(session, self.root / "runs")
            kept = session.exec(select(Run.id)).all()
        if lost:
            with self._alone() as session:
                # Another process may just have added what seemed to be lost.
                lost = lost_runs(session, self.root / "runs")
                session.add_all(lost)
                session.commit()
        if lost:
            tell(self.root, in_words(lost))
        for run_id in kept:
            # Earlier versions wrote none.
            if not has_run_file(self.folder(run_id)):
                self.update(run_id, name=self.get(run_id).name)

    def create(self, request: ForgetRequest, name: str | None = None, visitor: str = "") -> Run:
        """Add a queued run owned by this process and make its folder."""
        return self.create_all([request], name, visitor)[0]

    def create_all(
        self,
        requests: Sequence[ForgetRequest],
        name: str | None = None,
        visitor: str = "",
        check: Check = lambda kept: None,
        fill: Callable[[Path], None] = lambda folder: None,
    ) -> list[Run]:
        """Add queued runs as `create` does, or none of them.

        `check` gets the visitor's runs while no other process can add one, and raises if these are too many.
        `fill` gets the folder of each run before anybody else knows it.
        """
        check_room(self.root, requests)
        show_life(self.root)
        runs = [new_run(request, name, visitor) for request in requests]
        self.add(runs, fill, check)
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
            # Folders too: one without a row would seem to have lost it.
            with self._alone() as session:
                check(self._all(session, runs[0].visitor))
                for run in runs:
                    self.folder(run.id).mkdir(parents=True)
                    made.append(self.folder(run.id))
                    fill(made[-1])
                    write_run_file(made[-1], run)
                session.add_all(runs)
                session.commit()
        except (OSError, UserError) as error:
            for folder in made:
                shutil.rmtree(folder, ignore_errors=True)
            raise cannot_write(error.strerror) if isinstance(error, OSError) else error from error

    def queue_again(self, run_id: str, check: Check = lambda kept: None) -> Run:
        """Queue an interrupted run again, in this process; another one raises `UserError`."""
        show_life(self.root)
        with self._alone() as session:
            run = session.get(Run, run_id)
            if run is None or run.checked().state != RunState.INTERRUPTED:
                raise UserError(f"There is no interrupted run {run_id}.")
            check_room(self.root, [run.parsed_request()])
            check(self._all(session, run.visitor))
            session.add(run)
            run.state, run.owner, run.error, run.finished = RunState.QUEUED, this_process(), None, None
            run.started, run.cancel_requested = None, False
            self._commit(session, run)
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
        # In the order in which they were added, whatever the clock said.
        found = list(session.exec(select(Run).order_by(text("rowid DESC"))))
        # What follows marks runs, which must not be written.
        session.expunge_all()
        return [self._as_ended(run.checked()) for run in found if not visitor or run.visitor == visitor]

    def update(self, run_id: str, **fields: Any) -> None:
        """Set columns of a run; nothing happens if it was deleted meanwhile, or is damaged."""
        # Alone: the checksum is that of all columns, also of those that another process sets.
        with self._alone() as session:
            run = session.get(Run, run_id)
            if run is not None and run.is_intact():
                for name, value in fields.items():
                    setattr(run, name, value)
                self._commit(session, run, keep=bool(fields.keys() - PROGRESS))

    def _commit(self, session: Session, run: Run, keep: bool = True) -> None:
        """Write a row and, to `keep` it also where the database is lost, its file."""
        if keep:
            write_run_file(self.folder(run.id), run)
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
                with self._alone() as session:
                    run = session.get(Run, run_id)
                    if run is not None and run.is_intact() and run.state in UNDER_WAY:
                        run.state, run.error, run.finished = state, error, datetime.now(UTC)
                        self._commit(session, run)
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
        if run.state in UNDER_WAY and is_alive(run.owner, self.root):
            raise UserError(f"Run {run_id} is under way: cancel it before deleting it.")
        # The folder first: on a full disk the row can only be removed after that.
        remove_folder(self.folder(run_id))
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
        left = left_behind(self.root)
        under_way = [run for run in self.runs() if run.state in UNDER_WAY]
        lost = [run.id for run in under_way if not is_alive(run.owner, self.root)]
        for run_id in lost:
            self.end(run_id, RunState.INTERRUPTED, "The program ended before this run did.")
        for lock in left:
            lock.unlink(missing_ok=True)
        return lost

    @contextmanager
    def _session(self) -> Iterator[Session]:
        """Open a transaction; a full disk or a damaged database raises `UserError`."""
        if self._file != file_number(self.root):
            self._sql.dispose()
            self._open()
        try:
            with Session(self._sql, expire_on_commit=False) as session:
                yield session
        except DatabaseError as error:
            if not is_damage(error.orig):
                raise cannot_write(error.orig) from error
            # The next call opens a new one.
            self._file = -1
            raise UserError(
                "The store's database is damaged, and is made anew from the run folders: try again."
            ) from error

    @contextmanager
    def _alone(self) -> Iterator[Session]:
        """Open a transaction in which no other process writes."""
        with self._session() as session:
            session.connection().exec_driver_sql("BEGIN IMMEDIATE")
            yield session

    def folder(self, run_id: str) -> Path:
        """Return the run's folder; of an id that no run can have, one that is never there."""
        return self.root / "runs" / (run_id if is_run_id(run_id) else "-")

    def steps(self, run_id: str) -> list[StepRecord]:
        """Return the run's steps so far; damaged ones and a missing folder raise `UserError`."""
        check_folder(self.folder(run_id))
        return read_steps(self.folder(run_id))


def open_store(root: Path | None = None) -> Store:
    """Return the store at `root`, by default in `UNLEARN_HOME`; one instance per process."""
    return _open_store(root or home())


@lru_cache
def _open_store(root: Path) -> Store:
    return Store(root)
