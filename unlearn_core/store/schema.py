"""The version of the store's database, kept in SQLite's `user_version`, and the steps from one to the next.

A change of the table adds a function to `_STEPS`; number i leads from version i to i + 1.
"""

import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

from sqlalchemy.engine import Connection
from sqlalchemy.engine import Engine as SqlEngine
from sqlmodel import SQLModel

from unlearn_core.errors import UserError


def _add_visitor_and_phase_share(connection: Connection) -> None:
    """Version 0: 0.1.0 left it with both columns, what came before 0.1.0 may lack them."""
    _add_column(connection, "visitor VARCHAR NOT NULL DEFAULT ''")
    _add_column(connection, "phase_share FLOAT NOT NULL DEFAULT 0")


def _add_phase_total(connection: Connection) -> None:
    _add_column(connection, "phase_total INTEGER NOT NULL DEFAULT 0")


def _add_checksum(connection: Connection) -> None:
    _add_column(connection, "checksum INTEGER")


def _add_column(connection: Connection, column: str) -> None:
    """Add a column to the table, unless it is there."""
    there = {known[1] for known in connection.exec_driver_sql("PRAGMA table_info(run)")}
    if column.split()[0] not in there:
        connection.exec_driver_sql(f"ALTER TABLE run ADD COLUMN {column}")


_STEPS: list[Callable[[Connection], None]] = [_add_visitor_and_phase_share, _add_phase_total, _add_checksum]


def refuse_newer(path: Path) -> None:
    """Raise `UserError` where a newer version wrote the database, which stays as it is.

    SQLite reads it as one that never changes, without journals and locks. To open the file in any other way
    would take its locks from all connections of this process.
    """
    # What is no file is set aside; what is wrong with one is found when it is opened to be used.
    if path.exists() and not path.is_file():
        return
    with suppress(sqlite3.DatabaseError), closing(_as_it_is(path)) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        _check_version(version)


def _as_it_is(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)


def lacks_columns(connection: sqlite3.Connection) -> bool:
    """Return whether a table of the present version has not all of its columns."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    there = {column[1] for column in connection.execute("PRAGMA table_info(run)")}
    return version == len(_STEPS) and not there >= set(SQLModel.metadata.tables["run"].columns.keys())


def bring_up_to_date(sql: SqlEngine) -> None:
    """Create the table in a new database, or take an older one on step by step, one transaction each."""
    while _version(sql) < len(_STEPS):
        with sql.begin() as connection:
            # Another process may be at the same: whoever gets the lock second finds it done.
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            version = _read(connection)
            if not connection.exec_driver_sql("PRAGMA table_info(run)").all():
                SQLModel.metadata.create_all(connection)
                version = len(_STEPS)
            elif version < len(_STEPS):
                _STEPS[version](connection)
                version += 1
            connection.exec_driver_sql(f"PRAGMA user_version = {version}")


def _version(sql: SqlEngine) -> int:
    with sql.connect() as connection:
        version = _read(connection)
    # The file itself does not tell yet what is still in its journal.
    _check_version(version)
    return version


def _check_version(version: int) -> None:
    if version > len(_STEPS):
        raise UserError(
            "The store's database runs.sqlite was written by a newer version of Unlearn Lens: update it."
        )


def _read(connection: Connection) -> int:
    return int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())
