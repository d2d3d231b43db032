"""The version of the store's database, kept in SQLite's `user_version`, and the steps from one to the next.

A change of the table adds a function to `_STEPS`; number i leads from version i to i + 1.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy.engine import Connection
from sqlalchemy.engine import Engine as SqlEngine
from sqlmodel import SQLModel

from unlearn_core.errors import UserError


def _add_visitor_and_phase_share(connection: Connection) -> None:
    """Version 0: 0.1.0 left it with both columns, what came before 0.1.0 may lack them."""
    there = {column[1] for column in connection.exec_driver_sql("PRAGMA table_info(run)")}
    if "visitor" not in there:
        connection.exec_driver_sql("ALTER TABLE run ADD COLUMN visitor VARCHAR NOT NULL DEFAULT ''")
    if "phase_share" not in there:
        connection.exec_driver_sql("ALTER TABLE run ADD COLUMN phase_share FLOAT NOT NULL DEFAULT 0")


def _add_phase_total(connection: Connection) -> None:
    connection.exec_driver_sql("ALTER TABLE run ADD COLUMN phase_total INTEGER NOT NULL DEFAULT 0")


_STEPS: list[Callable[[Connection], None]] = [_add_visitor_and_phase_share, _add_phase_total]


def refuse_newer(connection: Any) -> None:
    """Raise `UserError` where a newer version wrote the database that an sqlite3 connection has open."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > len(_STEPS):
        raise UserError(
            "The store's database runs.sqlite was written by a newer version of Unlearn Lens: update it."
        )


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
        return _read(connection)


def _read(connection: Connection) -> int:
    return int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())
