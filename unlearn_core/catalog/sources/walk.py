"""Everything below a folder, with links to folders followed: subsets of large data sets are made of them."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from unlearn_core.errors import UserError

MOST_FOLDERS = 100_000

_OF_SYSTEMS = ("__MACOSX", "@eaDir", "#recycle", "$RECYCLE.BIN", "System Volume Information", "lost+found")
"""Of macOS in archives, of Synology's and of Windows' disks, and of Linux'."""

Parts = tuple[str, ...]


def is_hidden(name: str) -> bool:
    """Return whether a file or folder is hidden, or one that a system puts beside those of a person."""
    return name.startswith(".") or name in _OF_SYSTEMS


def folders_around(name: str) -> Iterator[str]:
    """Yield the folders around a file or folder with this path in a set, the nearest first."""
    while name := name.rpartition("/")[0]:
        yield name


def walk(root: Path) -> Iterator[tuple[Parts, str, bool]]:
    """Yield of all below `root`: the path inside it, in parts, the whole path, and whether it is a folder.

    Hidden files and what is neither file nor folder are left out, and so are links to a folder around them. A
    link to what is not there counts as a file: reading it says so. A folder that cannot be read counts as
    empty; more than `MOST_FOLDERS` raise `UserError`: links can lead to more folders than there are.
    """
    waiting: list[tuple[Parts, str, frozenset[tuple[int, int]]]] = [
        ((), str(root), frozenset([_identity(root)]))
    ]
    folders = 0
    while waiting:
        parts, folder, around = waiting.pop()
        folders += 1
        if folders > MOST_FOLDERS:
            raise UserError(f"{root.name} has more than {MOST_FOLDERS:,} folders, with those behind links.")
        for entry, is_folder in _entries(folder):
            inside = (*parts, entry.name)
            if is_folder:
                known = _identity(entry.path)
                if known in around:
                    continue
                waiting.append((inside, entry.path, around | {known}))
            yield inside, entry.path, is_folder


def _entries(folder: str) -> Iterator[tuple[os.DirEntry[str], bool]]:
    """Yield the files and folders in a folder, and which of both they are, with links followed."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if not is_hidden(entry.name):
                with suppress(OSError):  # of a link to itself
                    if entry.is_dir() or entry.is_file() or _leads_nowhere(entry):
                        yield entry, entry.is_dir()


def _leads_nowhere(entry: os.DirEntry[str]) -> bool:
    return entry.is_symlink() and not Path(entry.path).exists()


def _identity(folder: Path | str) -> tuple[int, int]:
    facts = Path(folder).stat()
    return facts.st_dev, facts.st_ino
