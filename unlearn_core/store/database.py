"""The store's database file: opened, brought up to date, and set aside where it is damaged."""

import shutil
import sqlite3
import time
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

from filelock import FileLock
from sqlalchemy import event
from sqlalchemy.engine import Engine as SqlEngine
from sqlalchemy.exc import DatabaseError
from sqlmodel import create_engine

from unlearn_core.errors import UserError
from unlearn_core.store.news import tell
from unlearn_core.store.schema import bring_up_to_date, lacks_columns, refuse_newer

DATABASE = "runs.sqlite"
"""The file in the store's root."""
_LEAST_BYTES = 2**20
_SECONDS_TO_WAIT = 30
"""For another process that writes."""


def open_database(root: Path) -> SqlEngine:
    """Open the database of a store, a new one if there is none or a damaged one.

    Raises:
        UserError: it cannot be opened, or a newer version wrote it, which leaves it as it is.
    """
    path = root / DATABASE
    refuse_newer(path)
    if damage := _damage(path):
        try:
            with FileLock(root / "set_aside.lock"):
                # Another process may have been faster.
                if damage := _damage(path):
                    _set_aside(path, damage)
        except OSError as error:
            raise UserError(
                f"The store's database {path.name} is damaged ({damage}) and cannot be renamed: {error}."
            ) from error
    sql = create_engine(f"sqlite:///{path}", connect_args={"timeout": _SECONDS_TO_WAIT})
    event.listen(sql, "connect", _set_pragmas)
    try:
        bring_up_to_date(sql)
    except DatabaseError as error:
        # SQLite calls a full disk an I/O error here.
        is_full = shutil.disk_usage(root).free < _LEAST_BYTES
        reason = "the disk is full: remove other files first" if is_full else error.orig
        raise UserError(f"The store's database {path.name} cannot be opened: {reason}.") from error
    return sql


def file_number(root: Path) -> int:
    """Return the number of a store's file, to notice that another process set it aside; else 0."""
    path = root / DATABASE
    return path.stat().st_ino if path.is_file() else 0


def cannot_write(reason: object) -> UserError:
    """Return the error for a store that cannot be written."""
    return UserError(f"The store cannot be written: {reason}.")


def is_damage(error: BaseException | None) -> bool:
    """Return whether an error of SQLite says that the file is damaged, or not that of a store."""
    code = getattr(error, "sqlite_errorcode", None)
    # SQLite has no code of its own for a missing table or column.
    return isinstance(code, int) and (
        code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) or str(error).startswith("no such ")
    )


def _damage(path: Path) -> str | None:
    """Return what is wrong with the file; None if nothing is, or it cannot be looked at."""
    if not path.exists():
        return None
    if not path.is_file():
        return "it is not a file"
    try:
        with closing(sqlite3.connect(path, timeout=_SECONDS_TO_WAIT)) as connection:
            (said,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
            lacking = lacks_columns(connection)
    except sqlite3.DatabaseError as error:
        return str(error) if is_damage(error) else None
    if said != "ok":
        return str(said).strip().splitlines()[-1]
    return "columns are missing" if lacking else None


def _set_aside(path: Path, damage: str) -> None:
    """Rename the database and its journals, which may still help to save what was in it."""
    kept = f"{path.name}.damaged-{datetime.now():%Y%m%d-%H%M%S-%f}"
    for ending in ("-wal", "-shm", ""):
        if path.with_name(path.name + ending).exists():
            path.with_name(path.name + ending).replace(path.with_name(kept + ending))
    tell(path.parent, f"The store's database {path.name} was damaged ({damage}): it is now {kept}.")


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Have the file keep its changes in a journal; where another process writes to a new file, wait for it.

    SQLite itself does not wait here: it fails at once.
    """
    end = time.monotonic() + _SECONDS_TO_WAIT
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
            time.sleep(0.02)


def _set_pragmas(connection: Any, _record: Any) -> None:
    # A row with invalid UTF-8 must not make all others unreadable.
    connection.text_factory = lambda text: text.decode(errors="replace")
    _write_ahead(connection)
    connection.execute("PRAGMA synchronous=NORMAL")
