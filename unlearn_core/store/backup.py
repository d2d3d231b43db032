"""A backup of a home in one file, made while a server may be at work, and put back into an empty one.

It is a compressed tar archive of the runs that have ended, of what was added, and of the database. That comes
last: a run counts only if it ended before its files were read and is still as it was.
"""

import gzip
import os
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from unlearn_core.common.damaged import DAMAGED
from unlearn_core.common.files import HALF, atomic_write
from unlearn_core.common.home import make_private
from unlearn_core.common.sharing import VISITORS_KEY
from unlearn_core.errors import UserError
from unlearn_core.store.database import DATABASE
from unlearn_core.store.rows import UNDER_WAY
from unlearn_core.store.schema import refuse_newer

_RUNS = "runs"
_ADDED = ("classifiers", "image_sets", "matches", "never_seen", "uploads", VISITORS_KEY)
"""What cannot be calculated or downloaded again."""
_NAMES = frozenset((DATABASE, _RUNS, *_ADDED))

_Ends = dict[str, tuple[str, str | None]]
"""State and time of the end of each run, by id."""


@dataclass(frozen=True)
class Backup:
    """The number of runs in a backup, and of those that were under way or changed meanwhile."""

    runs: int
    left_out: int


def write_backup(root: Path, path: Path) -> Backup:
    """Write a backup of a home to a new file.

    Raises:
        UserError: there is such a file, or it cannot be written.
    """
    if path.exists():
        raise UserError(f"{path} exists already: choose another name.")
    try:
        with atomic_write(path) as half, tarfile.open(half, "w:gz", compresslevel=1) as archive:
            before = _ends(root / DATABASE)
            ended = [run_id for run_id, (state, _) in before.items() if state not in UNDER_WAY]
            names = [f"{_RUNS}/{run_id}" for run_id in ended]
            whole = {run_id for run_id, name in zip(ended, names, strict=True) if _add(archive, root, name)}
            for name in _ADDED:
                _add(archive, root, name)
            kept = _add_database(archive, root, {run_id: before[run_id] for run_id in whole})
    except (OSError, sqlite3.DatabaseError) as error:
        raise UserError(f"{path} cannot be written: {error}.") from error
    return Backup(kept, len(before) - kept)


def restore_backup(root: Path, path: Path) -> int:
    """Put a backup back into a home that has nothing of what it holds, and return the number of its runs.

    After an error the home is as before.

    Raises:
        UserError: the home holds something, the file is no backup, is damaged or of a newer version.
    """
    there = sorted(name for name in _NAMES if (root / name).exists())
    if there:
        raise UserError(f"{root} has {there[0]} already: set UNLEARN_HOME to an empty folder.")
    try:
        root.mkdir(parents=True, exist_ok=True)
        make_private(root)
        with tempfile.TemporaryDirectory(prefix=HALF, dir=root) as beside:
            unpacked = Path(beside)
            _unpack(path, unpacked)
            runs = _check_database(unpacked / DATABASE)
            for folder in (unpacked / _RUNS).glob("*"):
                if folder.name not in runs:
                    shutil.rmtree(folder)
            # The database last: a home without it is not open to anybody.
            for name in sorted(_NAMES, key=DATABASE.__eq__):
                if (unpacked / name).exists():
                    (unpacked / name).rename(root / name)
    except (*DAMAGED, tarfile.TarError, sqlite3.DatabaseError) as error:
        raise UserError(f"{path} cannot be restored: {error}.") from error
    return len(runs)


def _add(archive: tarfile.TarFile, root: Path, name: str) -> bool:
    """Add a file or folder; return whether it is there and nothing of it vanished meanwhile."""
    whole = (root / name).exists()
    for path in _members(root / name):
        try:
            archive.add(path, str(path.relative_to(root)), recursive=False, filter=_finished)
        except FileNotFoundError:
            whole = False
    return whole


def _members(path: Path) -> Iterator[Path]:
    """Yield a file or folder and what is in it; what vanishes meanwhile ends nothing."""
    yield path
    for folder, folders, files in os.walk(path):
        folders.sort()
        yield from (Path(folder, name) for name in (*folders, *sorted(files)))


def _finished(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    is_half = any(part.startswith(HALF) for part in PurePosixPath(member.name).parts)
    return None if is_half or not _is_plain(member) else member


def _is_plain(member: tarfile.TarInfo) -> bool:
    # Runs that share a result are hard links of each other.
    return member.isreg() or member.isdir() or member.islnk()


def _add_database(archive: tarfile.TarFile, root: Path, packed: _Ends) -> int:
    """Add a copy of the database with the rows of these runs, unless changed since; return their number."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / DATABASE
        with closing(sqlite3.connect(root / DATABASE)) as own, closing(sqlite3.connect(copy)) as target:
            own.backup(target)
        gone = [run_id for run_id, end in _ends(copy).items() if packed.get(run_id) != end]
        with closing(sqlite3.connect(copy)) as target:
            target.executemany("DELETE FROM run WHERE id = ?", [(run_id,) for run_id in gone])
            target.commit()
            # Otherwise a part of the copy would be in a second file.
            target.execute("PRAGMA journal_mode=DELETE")
        archive.add(copy, DATABASE)
        return len(_ends(copy))


def _ends(database: Path) -> _Ends:
    with closing(sqlite3.connect(database)) as connection:
        connection.text_factory = lambda text: text.decode(errors="replace")
        rows = connection.execute("SELECT id, state, finished FROM run").fetchall()
    return {run_id: (state, finished) for run_id, state, finished in rows}


def _unpack(path: Path, to: Path) -> None:
    with gzip.open(path) as stream:
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            archive.extractall(to, filter=_harmless)
        while stream.read(2**20):
            # To the end, where gzip's checksum is.
            pass


def _harmless(member: tarfile.TarInfo, to: str) -> tarfile.TarInfo | None:
    """Refuse whatever a backup does not have; tarfile's own filter refuses what leads out of the folder."""
    if not _is_plain(member) or next(iter(PurePosixPath(member.name).parts), "") not in _NAMES:
        raise UserError(f"This is not a backup: it holds {member.name!r}.")
    safe = tarfile.data_filter(member, to)
    return safe if safe.isdir() else safe.replace(mode=0o600, deep=False)


def _check_database(path: Path) -> set[str]:
    """Return the ids of the runs of an unpacked database."""
    if not path.is_file():
        raise UserError("This is not a backup: it has no database.")
    refuse_newer(path)
    with closing(sqlite3.connect(path)) as database:
        if database.execute("PRAGMA quick_check").fetchall() != [("ok",)]:
            raise UserError("The database in this backup is damaged.")
    return set(_ends(path))
