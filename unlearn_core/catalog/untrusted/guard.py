"""Reads untrusted files in a process of its own, with limits of time and memory.

Requests and answers are lines of JSON: nothing that was made of an untrusted file is unpickled here. The
process stays for a while, because it takes seconds to start, and is replaced after any fault.
"""

import atexit
import base64
import importlib
import json
import os
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from unlearn_core.errors import UserError

_IDLE_SECONDS = 120
_WATCH_SECONDS = 0.2
_MEGABYTE, _GIGABYTE = 10**6, 10**9
# As large as the folders that people have: how large one is, only reading it would tell.
_FOLDER_BYTES = 3 * _GIGABYTE


@dataclass(frozen=True)
class Limits:
    """What reading may take: `seconds`, and `memory` in bytes."""

    seconds: float
    memory: int


PICTURE = Limits(20, 2 * _GIGABYTE)
"""For one picture, whose size is limited too."""


def limits_of_checkpoint(file: Path) -> Limits:
    """Return the limits for a checkpoint, by its size."""
    size = file.stat().st_size
    return Limits(20 + size / (10 * _MEGABYTE), 2 * _GIGABYTE + 3 * size)


def limits_of_pictures(source: Path) -> Limits:
    """Return the limits for all pictures of an archive, by its size, or of a folder or table."""
    packed = source.stat().st_size if zipfile.is_zipfile(source) else _FOLDER_BYTES
    return Limits(60 + packed / _MEGABYTE, 4 * _GIGABYTE)


def guarded(what: str, limits: Limits, reader: Callable[..., Any], *arguments: Any) -> Any:
    """Return what `reader(*arguments)` returns in the other process; only values of JSON.

    Args:
        what: the name of the file, for the messages.
        limits: of the call.
        reader: a function of a module of this project.
        arguments: of it: values of JSON, paths and bytes.

    Raises:
        UserError: as raised by the reader, a limit was reached, or the reader failed.
    """
    with _lock:
        try:
            answer = _process().ask(limits, reader, arguments)
        except BaseException:
            _stop()
            raise
        if "value" not in answer and "refused" not in answer:
            _stop()
        _stop_when_idle()
    return _judged(what, limits, answer)


def _judged(what: str, limits: Limits, answer: dict[str, Any]) -> Any:
    if "value" in answer:
        return answer["value"]
    if "refused" in answer:
        raise UserError(answer["refused"])
    if "seconds" in answer:
        raise UserError(
            f"{what} takes more than {limits.seconds:.0f} seconds to read: too long for its size."
        )
    if "memory" in answer:
        gigabytes = limits.memory / _GIGABYTE
        raise UserError(
            f"{what} takes more than {gigabytes:.1f} GB of memory to read: too much for its size."
        )
    raise UserError(f"{what} cannot be read: it is damaged ({answer['fault']}).")


class _Process:
    """The other process: one request at a time goes in, and one line of JSON comes out."""

    def __init__(self) -> None:
        paths = os.pathsep.join(path for path in sys.path if path)
        self._child = subprocess.Popen(
            [sys.executable, "-c", f"from {__name__} import serve; serve()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": paths},
        )
        self._waiting = ThreadPoolExecutor(1)

    def ask(self, limits: Limits, reader: Callable[..., Any], arguments: tuple[Any, ...]) -> dict[str, Any]:
        """Return the answer to one request."""
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        request = (dict(os.environ), reader.__module__, reader.__qualname__, arguments, limits.memory)
        self._child.stdin.write(json.dumps(request, default=_packed).encode() + b"\n")
        self._child.stdin.flush()
        # The first line says that the reader's libraries are loaded.
        self._child.stdout.readline()
        end = time.monotonic() + limits.seconds
        most = self._memory() + limits.memory
        line = self._waiting.submit(self._child.stdout.readline)
        while not line.done():
            with suppress(TimeoutError):
                line.result(_WATCH_SECONDS)
            if time.monotonic() > end:
                return {"seconds": True}
            if self._memory() > most:
                return {"memory": True}
        answer: dict[str, Any] = json.loads(line.result() or '{"fault": "its reader ended"}')
        return answer

    def is_alive(self) -> bool:
        """Return whether it can be asked."""
        return self._child.poll() is None

    def _memory(self) -> int:
        try:
            return int(psutil.Process(self._child.pid).memory_info().rss)
        except psutil.Error:
            return 0

    def stop(self) -> None:
        """End the process."""
        self._child.kill()
        self._child.communicate()
        self._waiting.shutdown()


_lock = threading.RLock()
_running: list[_Process] = []
_timers: list[threading.Timer] = []


def _process() -> _Process:
    while _timers:
        _timers.pop().cancel()
    if _running and not _running[0].is_alive():
        _stop()
    if not _running:
        _running.append(_Process())
    return _running[0]


@atexit.register
def _stop() -> None:
    with _lock:
        while _running:
            _running.pop().stop()


def _stop_when_idle() -> None:
    timer = threading.Timer(_IDLE_SECONDS, _stop)
    timer.daemon = True
    timer.start()
    _timers.append(timer)


def serve() -> None:
    """Answer requests until there are no more: this is what runs in the other process."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    # What libraries print must not come between.
    os.dup2(2, 1)
    for line in sys.stdin.buffer:
        environment, module, name, arguments, memory = json.loads(line, object_hook=_unpacked)
        os.environ.clear()
        os.environ.update(environment)
        reader = getattr(importlib.import_module(module), name)
        print(file=answers, flush=True)
        _limit_memory(memory)
        try:
            answer = _answer(reader, arguments)
        finally:
            _limit_memory(None)
        print(answer, file=answers, flush=True)


def _packed(value: object) -> dict[str, str]:
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode()}
    return {"path": str(value)}


def _unpacked(fields: dict[str, str]) -> object:
    if fields.keys() == {"base64"}:
        return base64.b64decode(fields["base64"])
    return Path(fields["path"]) if fields.keys() == {"path"} else fields


def _answer(reader: Callable[..., Any], arguments: tuple[Any, ...]) -> str:
    try:
        return json.dumps({"value": reader(*arguments)})
    except UserError as error:
        return json.dumps({"refused": str(error)})
    except MemoryError:
        return '{"memory": true}'
    except RecursionError:
        return '{"fault": "it is nested too deeply"}'
    # The reader of a malicious file may raise anything.
    except Exception as error:
        if "can't allocate memory" in str(error):  # as torch says it
            return '{"memory": true}'
        return json.dumps({"fault": type(error).__name__})


def _limit_memory(more: int | None) -> None:
    """Limit this process's memory to `more` bytes than it has, where the system can; None lifts the limit."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        # Of data: a thread only reserves address space, and there is one for each core.
        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        has = psutil.Process().memory_info()
        soft = hard if more is None else getattr(has, "data", has.vms) + more
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))
