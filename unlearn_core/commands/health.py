"""The command `health`: how a server is doing, with an exit code for monitoring.

It is found out without torch, also beside a running server.
"""

import argparse
import errno
import json
import os
import platform
import shutil
import tempfile
import time
import urllib.request
from datetime import UTC, datetime
from http.client import HTTPException
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from urllib.error import URLError

import psutil

from unlearn_core import __version__
from unlearn_core.common.counted import counted
from unlearn_core.common.home import home
from unlearn_core.errors import UserError
from unlearn_core.store.database import DATABASE
from unlearn_core.store.processes import is_alive
from unlearn_core.store.restore import run_folders
from unlearn_core.store.rows import UNDER_WAY, RunState
from unlearn_core.store.runs import open_store

LEAST_DISK_MB, LEAST_MEMORY_MB = 1000, 500
"""Below these a run of a large network does not fit any more."""
_PACKAGES = ("torch", "torchvision", "streamlit", "distributed", "captum", "timm")
_SECONDS = 5.0
_MB = 2**20

Facts = dict[str, Any]


def add_health_command(commands: Any) -> None:
    """Add the command to the parser's subcommands."""
    command = commands.add_parser(
        "health",
        help="devices, queue, memory, disk, store and versions; exit code 1 for a problem",
        epilog="It needs no running server, and does not disturb one.",
    )
    command.add_argument("--url", help="also ask the server there, such as http://localhost:8501")
    command.add_argument("--json", action="store_true", help="print one JSON object")
    command.set_defaults(run_command=_health)


def _health(args: argparse.Namespace) -> int:
    facts = health(args.url)
    if args.json:
        print(json.dumps(facts))
    else:
        for name, value in facts.items():
            if name not in ("ok", "problems"):
                print(f"{name:10}{_line(value)}")
        print("\n".join(facts["problems"]) or "No problems.")
    return int(not facts["ok"])


def _line(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_line(one)}" for key, one in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def health(url: str | None = None) -> Facts:
    """Return facts about versions, devices, memory, disk, store and queue, and `problems`: sentences.

    `url` is that of a server, which is asked too. A home that does not exist is not made.
    """
    problems: list[str] = []
    facts: Facts = {
        "versions": {"unlearn_core": __version__, "python": platform.python_version(), **_versions()},
        "devices": _devices(),
        "memory": _memory(problems),
        "disk": _disk(problems),
        **_store(problems),
    }
    if url is not None:
        facts["server"] = _server(url, problems)
    return {"ok": not problems, "problems": problems, **facts}


def _versions() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "missing"
    return found


def _devices() -> list[str]:
    """Return the models of NVIDIA's cards by their driver, else Apple's, and the number of CPU cores."""
    cards = []
    for file in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information")):
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
        cards += [line.partition(":")[2].strip() for line in lines if line.startswith("Model:")]
    if (platform.system(), platform.machine()) == ("Darwin", "arm64"):
        cards.append("mps")
    return [*cards, f"{os.cpu_count()} CPU cores"]


def _memory(problems: list[str]) -> Facts:
    memory = psutil.virtual_memory()
    if memory.available < LEAST_MEMORY_MB * _MB:
        problems.append(f"Only {memory.available // _MB} MB of memory are available.")
    return {"total_mb": memory.total // _MB, "available_mb": memory.available // _MB}


def _disk(problems: list[str]) -> Facts:
    folder = _nearest_folder()
    disk = shutil.disk_usage(folder)
    if disk.free < LEAST_DISK_MB * _MB:
        problems.append(f"Only {disk.free // _MB} MB are free on the disk of {folder}.")
    return {"home": str(home()), "total_mb": disk.total // _MB, "free_mb": disk.free // _MB}


def _store(problems: list[str]) -> Facts:
    """Return the states of the runs, and the queue."""
    _check_writable(problems)
    database = home() / DATABASE
    if not database.exists() and not database.is_symlink():
        lost = len(run_folders(home() / "runs"))
        if lost:
            problems.append(
                "The store's database is missing: the app or `runs list` makes it anew from the folders of "
                f"{counted(lost, 'run')}."
            )
        # A new server makes it at its first visit.
        return {"store": {"exists": False}, "queue": {}}
    start = time.perf_counter()
    try:
        runs = open_store().runs()
    except UserError as error:
        problems.append(str(error))
        return {"store": {"exists": True}, "queue": {}}
    seconds = round(time.perf_counter() - start, 3)
    states = {str(state): sum(run.state == state for run in runs) for state in RunState}
    alive = [run for run in runs if run.state in UNDER_WAY and is_alive(run.owner, home())]
    waiting = [run.created for run in alive if run.state == RunState.QUEUED]
    longest = (datetime.now(UTC) - min(waiting)).total_seconds() if waiting else 0.0
    return {
        "store": {"exists": True, "runs": {name: n for name, n in states.items() if n}, "seconds": seconds},
        "queue": {
            "running": len(alive) - len(waiting),
            "waiting": len(waiting),
            "longest_wait_seconds": round(longest),
        },
    }


def _check_writable(problems: list[str]) -> None:
    folder = _nearest_folder()
    try:
        if folder == home() or not folder.is_dir():
            with tempfile.TemporaryFile(dir=folder) as file:
                file.write(bytes(4096))
        elif not os.access(folder, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        problems.append(f"The store in {home()} cannot be written: {error.strerror}.")


def _nearest_folder() -> Path:
    """Return the home, or what is there of the folders above it."""
    return next(one for one in (home(), *home().absolute().parents) if os.access(one, os.F_OK))


def _server(url: str, problems: list[str]) -> Facts:
    """Ask Streamlit's own health page; a proxy of the environment is not for this."""
    address = f"{url.rstrip('/')}/_stcore/health"
    start = time.perf_counter()
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(address, timeout=_SECONDS):
            pass
    except (URLError, HTTPException, OSError, ValueError) as error:
        problems.append(f"The server does not answer at {address}: {getattr(error, 'reason', error)}.")
        return {"url": url, "answers": False}
    return {"url": url, "answers": True, "seconds": round(time.perf_counter() - start, 3)}
