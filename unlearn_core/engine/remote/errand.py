"""What server and worker say to each other about one task."""

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from unlearn_core.engine.looks import LookRequest
from unlearn_core.engine.remote.parcel import Parcel, Part, Stamp

ROW = ("state", "phase", "phase_share", "phase_total", "steps_done", "result", "error")
"""Columns of a run that its worker writes; times are the server's own."""


@dataclass(frozen=True)
class Errand:
    """A task, and what it needs of the server's home.

    Attributes:
        server: names the home that the worker keeps for this server.
        root: the server's home.
        settings: environment variables that count for the server's visitors.
        files: by place below the worker's home.
        whole: patterns of places; a file of the worker's home that matches one and is not in `files` goes.
        rows: of the runs, with all columns.
        asked: a look, or None: a run is carried out.
        run_id: of this run.
        found_by: see `tasks.forget`.
    """

    server: str
    root: str
    settings: dict[str, str]
    files: dict[str, Stamp]
    whole: tuple[str, ...]
    rows: list[dict[str, Any]]
    asked: LookRequest[Any] | None = None
    run_id: str | None = None
    found_by: str | None = None


class Given(NamedTuple):
    """What the server tells a worker about a task under way.

    Attributes:
        attempt: the one that the server knows; "" for none.
        have: stamps of the files that the server has from this attempt.
        files: that the worker lacked; None for one that is gone.
        stop: whether the run is to end.
    """

    attempt: str
    have: dict[str, Stamp]
    files: dict[str, Part | None]
    stop: bool


class News(NamedTuple):
    """What a worker answers.

    Attributes:
        attempt: which of several that carry out the same task, after one that died.
        lacks: places of files that it waits for.
        row: columns of the run.
        parcel: what changed in the run's folder.
    """

    attempt: str
    lacks: tuple[str, ...]
    row: dict[str, Any] | None
    parcel: Parcel


class Placed(NamedTuple):
    """Stands for the path of a file: its place below the home."""

    place: PurePosixPath


class Answer(NamedTuple):
    """The end of a task: `value` of a look, `row` of a run, and what changed in the home."""

    value: Any
    row: dict[str, Any] | None
    parcel: Parcel
