"""Files on their way between the homes of server and worker; both are the same if size and time are."""

import os
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from unlearn_core.common.files import HALF, atomic_write
from unlearn_core.store.run_file import RUN_FILE

TRAVELS = (
    "classifiers",
    "image_sets",
    "incoming",
    "maps",
    "matches",
    "never_seen",
    "previews",
    "runs",
    "tables",
    "uploads",
)
"""Folders of a home of which files are brought to another; the rest are caches, downloads, the database."""
STAYS = RUN_FILE
"""A file of this name is the store's own: each home has one that agrees with its row."""
_GROWS = ".jsonl"
"""Of such files only the new end travels."""


class Stamp(NamedTuple):
    """What tells one state of a file from another: size, time in ns, and inode (0: of another machine)."""

    size: int
    changed: int
    inode: int = 0

    def is_same(self, other: "Stamp | None") -> bool:
        """Return whether both are of the same state, on whatever machine."""
        return other is not None and self[:2] == other[:2]


class Part(NamedTuple):
    """A file, or its bytes from `offset` on, with the stamp of the whole."""

    data: bytes
    stamp: Stamp
    offset: int = 0


class Parcel(NamedTuple):
    """What changed in a home: files by place, and the places of those that are gone."""

    parts: dict[str, Part]
    gone: tuple[str, ...] = ()


def stamp_of(path: Path) -> Stamp:
    """Return the stamp of a file; raises `OSError`."""
    facts = path.stat()
    return Stamp(facts.st_size, facts.st_mtime_ns, facts.st_ino)


def stamps(home: Path, folders: Iterable[str]) -> dict[str, Stamp]:
    """Return the stamps of all files in folders of a home, by place; half-written ones are left out."""
    found = {}
    for folder in folders:
        for where, inside, names in os.walk(home / folder):
            inside[:] = [one for one in inside if not one.startswith(HALF)]
            for name in names:
                if name == STAYS:
                    continue
                path = Path(where, name)
                with suppress(OSError):
                    found[path.relative_to(home).as_posix()] = stamp_of(path)
    return found


def changes(home: Path, known: Mapping[str, Stamp], folders: Iterable[str]) -> Parcel:
    """Return what differs in folders of a home from the stamps that another home has of it."""
    folders = tuple(folders)
    now = stamps(home, folders)
    parts = {}
    for place, stamp in now.items():
        if not stamp.is_same(known.get(place)):
            with suppress(FileNotFoundError):
                parts[place] = read_part(home / place, known.get(place))
    inside = tuple(f"{folder}/" for folder in folders)
    gone = tuple(place for place in known if place not in now and place.startswith(inside))
    return Parcel(parts, gone)


def read_part(path: Path, known: Stamp | None = None) -> Part:
    """Return what a file has besides that of the known state; raises `OSError`."""
    with path.open("rb") as file:
        # First, so that what is written meanwhile counts as new.
        facts = os.fstat(file.fileno())
        stamp = Stamp(facts.st_size, facts.st_mtime_ns, facts.st_ino)
        offset = 0
        if known and path.suffix == _GROWS and known.inode == stamp.inode and known.size <= stamp.size:
            offset = known.size
        file.seek(offset)
        return Part(file.read(stamp.size - offset), stamp, offset)


def write_part(path: Path, part: Part) -> None:
    """Write what `read_part` returned, with the time of the original's last change; raises `OSError`."""
    if part.offset:
        with path.open("r+b") as file:
            file.seek(part.offset)
            file.write(part.data)
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as half:
            half.write_bytes(part.data)
    os.utime(path, ns=(time.time_ns(), part.stamp.changed))


def is_inside(place: str) -> bool:
    """Return whether a place is one that may be written: no path leads out of a home."""
    parts = PurePosixPath(place).parts
    return bool(parts) and parts[0] in TRAVELS and ".." not in parts
