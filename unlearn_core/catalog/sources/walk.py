"""Everything below a folder, with links to folders followed: subsets of large data sets are made of them."""

import os
from collections.abc import Iterator
from pathlib import Path

from unlearn_core.errors import UserError

MOST_FOLDERS = 100_000

Parts = tuple[str, ...]


def is_hidden(name: str) -> bool:
    """Return whether a file or folder is hidden, or one that macOS adds to archives."""
    return name.startswith(".") or name == "__MACOSX"


def walk(root: Path) -> Iterator[tuple[Parts, os.DirEntry[str]]]:
    """Yield the path inside `root`, in parts, and the entry of all that is below it and is not hidden.

    A link to a folder around it is not followed. A folder that cannot be read counts as empty; more than
    `MOST_FOLDERS` raise `UserError`: links can lead to more folders than there are.
    """
    waiting: list[tuple[Parts, str, frozenset[tuple[int, int]]]] = [((), str(root), frozenset([_identity(root)]))]
    folders = 0
    while waiting:
        parts, folder, around = waiting.pop()
        folders += 1
        if folders > MOST_FOLDERS:
            raise UserError(f"{root.name} has more than {MOST_FOLDERS:,} folders, with those behind links.")
        for entry in _entries(folder):
            inside = (*parts, entry.name)
            yield inside, entry
            if is_folder(entry):
                known = _identity(entry.path)
                if known not in around:
                    waiting.append((inside, entry.path, around | {known}))


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Return whether an entry is a folder or a link to one."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return [entry for entry in entries if not is_hidden(entry.name)]
    except OSError:
        return []


def _identity(folder: Path | str) -> tuple[int, int]:
    facts = os.stat(folder)
    return facts.st_dev, facts.st_ino
