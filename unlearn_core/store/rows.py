"""The row of a run: its request, its state and its numbers."""

import os
import socket
from datetime import UTC, datetime
from enum import StrEnum

import psutil
from sqlalchemy import Dialect, String, TypeDecorator
from sqlmodel import Field, SQLModel

from unlearn_core.artifacts.results import Result
from unlearn_core.errors import UserError
from unlearn_core.forgetting.registry import method_entry
from unlearn_core.store.request import ForgetRequest

_TIME = "%Y-%m-%d %H:%M:%S.%f"


class RunState(StrEnum):
    """State of a run. `queued` and `running` are under way, all others are final.

    `damaged` is never written: it is the state of a row that cannot be read.
    """

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    DAMAGED = "damaged"


UNDER_WAY = (RunState.QUEUED, RunState.RUNNING)


class UtcDateTime(TypeDecorator[datetime]):
    """A time in UTC, in SQLAlchemy's format for SQLite; unreadable text is read as None."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        """Return the text to write."""
        return None if value is None else f"{value.astimezone(UTC):{_TIME}}"

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:
        """Return the time in UTC."""
        try:
            return None if value is None else datetime.fromisoformat(value).replace(tzinfo=UTC)
        except (ValueError, TypeError):
            return None


class Run(SQLModel, table=True):
    """One row. `request` and `result` are JSON; use `parsed_request()` and `parsed_result()`.

    `visitor` is the run's owner on a shared server, else "".
    """

    id: str = Field(primary_key=True)
    name: str
    state: str = RunState.QUEUED
    created: datetime = Field(sa_type=UtcDateTime)
    started: datetime | None = Field(default=None, sa_type=UtcDateTime)
    finished: datetime | None = Field(default=None, sa_type=UtcDateTime)
    request: str
    result: str | None = None
    error: str | None = None
    phase: str = "waiting"
    phase_share: float = 0.0
    phase_total: int = 0
    steps_done: int = 0
    cancel_requested: bool = False
    owner: str
    visitor: str = ""

    def parsed_request(self) -> ForgetRequest:
        """Return the request of this run; a damaged row raises `UserError`."""
        if self.state == RunState.DAMAGED:
            raise UserError(self.error or "")
        return ForgetRequest.model_validate_json(self.request)

    def parsed_result(self) -> Result | None:
        """Return the result, or None if there is none."""
        return Result.model_validate_json(self.result) if self.result else None

    def checked(self) -> "Run":
        """Return this row, marked as damaged if it cannot be read."""
        try:
            RunState(self.state)
            request = ForgetRequest.model_validate_json(self.request)
            self.parsed_result()
            readable = self._has_its_types()
        except (ValueError, TypeError):
            readable = False
        if not readable:
            self._damage("is damaged and cannot be read: delete it, and run it again")
        elif not _is_known(request.method):
            self._damage(
                f"used the method {request.method}, which is not installed: install it, or delete the run"
            )
        return self

    def _has_its_types(self) -> bool:
        """Return whether the columns have the right types: SQLite stores any type in any column."""
        texts = (self.name, self.phase, self.owner, self.visitor, self.error or "")
        numbers = (self.steps_done, self.phase_share, self.phase_total)
        return (
            self.created is not None
            and all(isinstance(one, str) for one in texts)
            and all(isinstance(one, int | float) for one in numbers)
        )

    def _damage(self, why: str) -> None:
        self.state, self.result = RunState.DAMAGED, None
        self.name, self.steps_done = str(self.name), 0
        self.error = f"Run {self.id} {why}."


def _is_known(method: str) -> bool:
    try:
        method_entry(method)
    except UserError:
        return False
    return True


def this_process() -> str:
    """Return an id of this process (host, pid, start time) for `is_alive`."""
    return f"{socket.gethostname()}/{os.getpid()}/{psutil.Process().create_time():.2f}"


def is_alive(owner: str) -> bool:
    """Return whether the process of this `this_process()` id runs; those of other hosts count as alive."""
    try:
        host, pid, started = owner.rsplit("/", 2)
        if host != socket.gethostname():
            return True
        return abs(psutil.Process(int(pid)).create_time() - float(started)) < 1
    except (psutil.NoSuchProcess, ValueError):
        return False
