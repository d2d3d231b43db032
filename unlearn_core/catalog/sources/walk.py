"""Everything below a folder, with links to folders followed: subsets of large data sets are made of them."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from unlearn_core.errors import UserError

MOST_FOLDERS = 100_000

Parts = tuple[str, ...]


def is_hidden(name: str) -> bool:
    """Return whether a file or folder is hidden, or one that macOS adds to archives."""
    return name.startswith(".") or name == "__MACOSX"


def walk(root: Path) -> Iterator[tuple[Parts, str, bool]]:
    """Yield of all below `root`: the path inside it, in parts, the whole path, and whether it is a folder.

    Hidden files and what is neither file nor folder are left out, and a link to a folder around it is not
    followed. A folder that cannot be read counts as empty; more than `MOST_FOLDERS` raise `UserError`: links
    can lead to more folders than there are.
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
            yield inside, entry.path, is_folder
            if is_folder and (known := _identity(entry.path)) not in around:
                waiting.append((inside, entry.path, around | {known}))


def _entries(folder: str) -> Iterator[tuple[os.DirEntry[str], bool]]:
    """Yield the files and folders in a folder, and which of both they are, with links followed."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if not is_hidden(entry.name):
                with suppress(OSError):  # of a link to itself
                    if entry.is_dir() or entry.is_file():
                        yield entry, entry.is_dir()


def _identity(folder: Path | str) -> tuple[int, int]:
    facts = Path(folder).stat()
    return facts.st_dev, facts.st_ino
