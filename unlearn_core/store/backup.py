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
from unlearn_core.store.rows import UNDER_WAY, is_run_id
from unlearn_core.store.schema import refuse_newer

_RUNS = "runs"
_ADDED = ("classifiers", "image_sets", "matches", "never_seen", "uploads", VISITORS_KEY)
"""What cannot be calculated or downloaded again."""
_FILES = (DATABASE, VISITORS_KEY)
_NAMES = frozenset((DATABASE, _RUNS, *_ADDED))

_Ends = dict[str, tuple[str, str | None]]
"""State and time of the end of each run, by id."""


@dataclass(frozen=True)
class Backup:
    """What a backup has: the number of runs in it, and of those that are not.

    Left out are runs under way, those that changed meanwhile, and those whose folder is missing or cannot be
    read whole. `unread` are the names of files and folders that cannot be read, or are links.
    """

    runs: int
    left_out: int
    unread: tuple[str, ...]


def write_backup(root: Path, path: Path) -> Backup:
    """Write a backup of a home to a new file.

    Raises:
        UserError: there is such a file, or it cannot be written.
    """
    if path.exists():
        raise UserError(f"{path} exists already: choose another name.")
    try:
        with atomic_write(path) as half, tarfile.open(half, "w:gz", compresslevel=1) as archive:
            packing = _Packing(archive, root)
            before = _ends(root / DATABASE)
            ended = [one for one, (state, _) in before.items() if is_run_id(one) and state not in UNDER_WAY]
            whole = {run_id for run_id in ended if packing.add(f"{_RUNS}/{run_id}")}
            for name in _ADDED:
                packing.add(name)
            kept = _add_database(archive, root, {run_id: before[run_id] for run_id in whole})
    except (OSError, sqlite3.DatabaseError) as error:
        raise UserError(f"{path} cannot be written: {error}.") from error
    return Backup(kept, len(before) - kept, tuple(packing.unread))


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
            _check_kinds(unpacked)
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


class _Packing:
    """Adds what is in a home to an archive; `unread`: the names of what could not be read, or is a link."""

    def __init__(self, archive: tarfile.TarFile, root: Path) -> None:
        self._archive, self._root = archive, root
        self.unread: list[str] = []

    def add(self, name: str) -> bool:
        """Add a file or folder; return whether it is there and all of it was added."""
        # Where it is a link itself, what it leads to: people move a folder that has become large.
        top = (self._root / name).resolve()
        if not top.exists():
            return False
        before = len(self.unread)
        whole = [self._add_one(path, name / path.relative_to(top)) for path in self._members(top, name)]
        return all(whole) and len(self.unread) == before

    def _members(self, top: Path, name: str) -> Iterator[Path]:
        """Yield a file or folder and what is in it."""
        yield top
        for folder, folders, files in os.walk(top, onerror=lambda error: self._note(error, name)):
            folders[:] = sorted(one for one in folders if not one.startswith(HALF))
            yield from (Path(folder, one) for one in (*folders, *sorted(files)) if not one.startswith(HALF))

    def _add_one(self, path: Path, name: Path) -> bool:
        try:
            member = self._archive.gettarinfo(path, str(name))
            if not _is_plain(member):
                self.unread.append(str(name))
            elif member.isreg():
                with path.open("rb") as file:
                    self._archive.addfile(member, file)
            else:
                self._archive.addfile(member)
        except FileNotFoundError:
            # It was removed meanwhile.
            return False
        except PermissionError:
            self.unread.append(str(name))
        return True

    def _note(self, error: OSError, name: str) -> None:
        if not isinstance(error, FileNotFoundError):
            self.unread.append(name)


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


def _check_kinds(unpacked: Path) -> None:
    for name in _NAMES:
        wrong = Path.is_dir if name in _FILES else Path.is_file
        if wrong(unpacked / name):
            raise UserError(
                f"This is not a backup: {name} is not a {'file' if name in _FILES else 'folder'}."
            )


def _check_database(path: Path) -> set[str]:
    """Return the ids of the runs of an unpacked database."""
    if not path.is_file():
        raise UserError("This is not a backup: it has no database.")
    refuse_newer(path)
    with closing(sqlite3.connect(path)) as database:
        if database.execute("PRAGMA quick_check").fetchall() != [("ok",)]:
            raise UserError("The database in this backup is damaged.")
    ids = set(_ends(path))
    odd = sorted(one for one in ids if not is_run_id(one))
    if odd:
        raise UserError(f"This is not a backup: it has a run called {odd[0]!r}.")
    return ids
