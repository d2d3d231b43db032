"""The processes that own runs: an id of each, and whether it still runs."""

import hashlib
import os
import socket
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

_FOLDER = "processes"
"""In a store's root: a file for each process that may own runs, locked by it as long as it runs."""


def this_process() -> str:
    """Return an id of this process (host, pid, start) for `is_alive`."""
    return f"{socket.gethostname()}/{os.getpid()}/{_start(os.getpid())}"


def show_life(root: Path) -> None:
    """Let others see that this process runs: it holds the lock of a file in this store until it ends."""
    # What is written next says what cannot be written. Where files cannot be locked, nobody sees it end.
    with suppress(OSError, NotImplementedError):
        _hold(_lock_file(root, this_process()))


def is_alive(owner: str, root: Path) -> bool:
    """Return whether the process of this `this_process()` id runs.

    It does as long as it holds its lock in this store: the number alone says nothing of a process in another
    container. One without a lock is looked up by its number, on this host. Where files cannot be locked, one
    on another host counts as alive.
    """
    if owner == this_process():
        return True
    lock = _lock_file(root, owner)
    held = _is_held(lock)
    if held is not None:
        return held
    try:
        host, pid, start = owner.rsplit("/", 2)
        return lock.exists() if host != socket.gethostname() else _start(int(pid)) == start
    except (psutil.NoSuchProcess, OSError, ValueError):
        return False


def left_behind(root: Path) -> list[Path]:
    """Return the locks of processes that have ended: to be removed when their runs have been ended too."""
    return [path for path in (root / _FOLDER).glob("*.lock") if _is_held(path) is False]


def _lock_file(root: Path, owner: str) -> Path:
    return root / _FOLDER / f"{hashlib.sha256(owner.encode()).hexdigest()[:16]}.lock"


@lru_cache
def _hold(path: Path) -> FileLock:
    path.parent.mkdir(exist_ok=True)
    lock = FileLock(path, timeout=5, thread_local=False)
    lock.acquire()
    return lock


def _is_held(path: Path) -> bool | None:
    """Return whether a process holds this lock; None if there is none, or files cannot be locked."""
    if not path.exists():
        return None
    try:
        with FileLock(path, timeout=0):
            return False
    except Timeout:
        return True
    except (OSError, NotImplementedError):
        return None


def _start(pid: int) -> str:
    """Return when a process began; on Linux since the machine did, which stays true when the clock jumps.

    A process that is not there raises an error of psutil or of the system.
    """
    boot = Path("/proc/sys/kernel/random/boot_id")
    if boot.exists():
        # The name of the program, in brackets, may hold anything.
        state, *fields = (
            Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        )
        if state == "Z":
            raise ProcessLookupError(pid)
        return f"{boot.read_text(encoding='ascii')[:8]}-{fields[18]}"
    return f"{psutil.Process(pid).create_time():.2f}"
