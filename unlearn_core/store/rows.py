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
from unlearn_core.store.request import ForgetRequest

_TIME = "%Y-%m-%d %H:%M:%S.%f"


class RunState(StrEnum):
    """Where a run stands. `queued` and `running` are under way, all others are final.

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
    """A moment, written as SQLAlchemy writes it to SQLite, in UTC; text that is no time reads as None."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        """Return the text to write."""
        return None if value is None else f"{value.astimezone(UTC):{_TIME}}"

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:
        """Return the moment, in UTC."""
        try:
            return None if value is None else datetime.fromisoformat(value).replace(tzinfo=UTC)
        except (ValueError, TypeError):
            return None


class Run(SQLModel, table=True):
    """One row. `request` and `result` are JSON; use `parsed_request()` and `parsed_result()`.

    `visitor` is whose run it is on a server that serves others; "" where there is one person alone.
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
    steps_done: int = 0
    cancel_requested: bool = False
    owner: str
    visitor: str = ""

    def parsed_request(self) -> ForgetRequest:
        """Return the request this run answers; a damaged row raises `UserError`."""
        if self.state == RunState.DAMAGED:
            raise UserError(self.error or "")
        return ForgetRequest.model_validate_json(self.request)

    def parsed_result(self) -> Result | None:
        """Return the result, or None while there is none."""
        return Result.model_validate_json(self.result) if self.result else None

    def checked(self) -> "Run":
        """Return this row, or what can still be said of it where it cannot be read."""
        try:
            RunState(self.state)
            ForgetRequest.model_validate_json(self.request)
            self.parsed_result()
            readable = self.created is not None
        except (ValueError, TypeError):
            readable = False
        if not readable:
            self.state, self.result = RunState.DAMAGED, None
            self.error = f"Run {self.id} is damaged and cannot be read: delete it, and run it again."
        return self


def this_process() -> str:
    """Name this process so that a later one can tell whether it is still alive (host, pid, start time)."""
    return f"{socket.gethostname()}/{os.getpid()}/{psutil.Process().create_time():.2f}"


def is_alive(owner: str) -> bool:
    """Tell whether the process named by `this_process()` still runs; another host's counts as alive."""
    try:
        host, pid, started = owner.rsplit("/", 2)
        if host != socket.gethostname():
            return True
        return abs(psutil.Process(int(pid)).create_time() - float(started)) < 1
    except (psutil.NoSuchProcess, ValueError):
        return False
