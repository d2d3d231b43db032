"""The log of a server: JSON lines about what it does, without anything that people entered.

`UNLEARN_LOG=-` writes it to stderr, `UNLEARN_LOG=FILE` appends to a file, which may be rotated; without it
there is none. A line has `time`, `level`, `pid` and `event`, and what belongs to the event, such as `run`,
`state`, `seconds` and `device`. Of messages only the constant part is written, of faults the type and the
places in the program: names of files, pictures and visitors do not get into it, and of a run's id, which on a
shared server gives access to it, only the first eight digits.
"""

import json
import logging
import os
import sys
import traceback
from datetime import UTC, datetime
from logging.handlers import WatchedFileHandler
from pathlib import Path

from unlearn_core.errors import UserError

_OURS = logging.getLogger("unlearn_core")
_DIGITS = 8
_OTHERS = ("distributed.worker", "streamlit.error_util")
"""They write faults with their messages, and with these what people entered."""


def keep_log() -> None:
    """Write the log of this process from now on, if `UNLEARN_LOG` asks for it; further calls do nothing.

    A file that cannot be written raises `UserError`.
    """
    wanted = os.environ.get("UNLEARN_LOG", "")
    if not wanted or any(isinstance(one.formatter, _JsonLines) for one in _OURS.handlers):
        return
    handler = logging.StreamHandler(sys.stderr) if wanted == "-" else _file(Path(wanted).expanduser())
    handler.setFormatter(_JsonLines())
    _OURS.addHandler(handler)
    _OURS.setLevel(logging.INFO)
    for name in _OTHERS:
        logging.getLogger(name).setLevel(logging.CRITICAL)


def log_event(event: str, run_id: str = "", *, fault: BaseException | None = None, **facts: object) -> None:
    """Write what happened, a constant text; `facts` must be plain and say nothing that people entered."""
    of_run = {"run": run_id[:_DIGITS]} if run_id else {}
    level = logging.INFO if fault is None else logging.ERROR
    _OURS.log(level, event, exc_info=fault, extra={"facts": {**of_run, **facts}})


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        """Return a record as one line."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "pid": record.process,
            "event": str(record.msg),
            **getattr(record, "facts", {}),
        }
        if record.exc_info and record.exc_info[1] is not None:
            line["fault"] = type(record.exc_info[1]).__name__
            frames = traceback.extract_tb(record.exc_info[2])
            line["traceback"] = [f"{one.filename}:{one.lineno} {one.name}" for one in frames]
        return json.dumps(line)


def _file(path: Path) -> logging.Handler:
    try:
        # Only its owner may read it.
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
        return WatchedFileHandler(path, encoding="utf-8")
    except OSError as error:
        raise UserError(
            f"The log {path} cannot be written ({error.strerror}): change UNLEARN_LOG."
        ) from error
