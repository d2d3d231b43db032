"""The row of a run: its request, its state and its numbers."""

import re
import uuid
import zlib
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Dialect, String, TypeDecorator, event
from sqlmodel import Field, SQLModel

from unlearn_core.artifacts.results import Result
from unlearn_core.catalog.picks import Pick
from unlearn_core.common.counted import counted
from unlearn_core.errors import UserError
from unlearn_core.forgetting.depths import depth_name
from unlearn_core.forgetting.registry import method_entry
from unlearn_core.store.processes import this_process
from unlearn_core.store.request import RUN_ID, ForgetRequest

_RUN_ID = re.compile(RUN_ID)
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

    `visitor` is the run's owner on a shared server, else "". `checksum` is None in rows that only an earlier
    version wrote.
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
    checksum: int | None = None

    def sum(self) -> int:
        """Return the checksum that the row has as long as nothing but the store changes it."""
        values = []
        for name, field in sorted(type(self).model_fields.items()):
            value = getattr(self, name)
            # Without defaults, a column that a later version adds changes no checksum.
            if name != "checksum" and value != field.default:
                if isinstance(value, datetime):
                    value = value.astimezone(UTC)
                elif isinstance(value, int | float):
                    # The database makes a float of a whole number in a column of floats.
                    value = float(value)
                values.append(f"{name}={value}")
        return zlib.crc32("\n".join(values).encode(errors="replace"))

    def is_intact(self) -> bool:
        """Return whether nothing but the store changed the row."""
        return self.checksum in (None, self.sum())

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
            readable = self._has_its_types() and self.is_intact()
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


def is_run_id(text: str) -> bool:
    """Return whether a run of this program can have this id: only then is it the name of a folder."""
    return _RUN_ID.fullmatch(text) is not None


def new_run(request: ForgetRequest, name: str | None, visitor: str) -> Run:
    """Return the row of a queued run owned by this process."""
    return Run(
        # On a shared server the id gives access to the run, so it must not be guessable.
        id=uuid.uuid4().hex[: 32 if visitor else 8],
        name=name or _default_name(request),
        created=datetime.now(UTC),
        request=request.model_dump_json(),
        owner=this_process(),
        visitor=visitor,
    )


def _default_name(request: ForgetRequest) -> str:
    """Return method, its depth, pick and image set as the name of a run."""
    ids = Pick.parse(request.pick).ids
    pick = counted(len(ids)) if ids else request.pick
    method = " ".join(filter(None, (request.method, depth_name(request.options))))
    return f"{method} · {pick} · {request.images}"


@event.listens_for(Run, "before_insert")
@event.listens_for(Run, "before_update")
def _sum_up(_mapper: Any, _connection: Any, run: Run) -> None:
    run.checksum = run.sum()


def _is_known(method: str) -> bool:
    try:
        method_entry(method)
    except UserError:
        return False
    return True
