"""What a worker was given to do, and the answer to come."""

import threading
from collections.abc import Callable
from concurrent.futures import CancelledError
from typing import Any, Generic, Protocol, TypeVar

from distributed import KilledWorker

from unlearn_core.errors import UserError

DIED = "The worker process died, most likely out of memory: try fewer pictures or a smaller batch."
_LOST = "The worker process was lost: try again."

Answer = TypeVar("Answer")


class Pending(Protocol):
    """What a worker has been given to do: a future of Dask or of `concurrent.futures`."""

    def done(self) -> bool: ...  # noqa: D102
    def cancel(self) -> object: ...  # noqa: D102
    def cancelled(self) -> bool: ...  # noqa: D102
    def result(self) -> Any: ...  # noqa: D102
    def exception(self) -> BaseException | None: ...  # noqa: D102
    def add_done_callback(self, call: Callable[[Any], object], /) -> None: ...  # noqa: D102


class Look(Generic[Answer]):
    """The answer that a worker is finding to a `LookRequest`."""

    def __init__(self, future: Pending) -> None:
        self._future = future
        # A timeout of `Future.result(timeout)` while Dask gathers would cancel the result for all callers.
        ended = self._ended = threading.Event()
        future.add_done_callback(lambda _: ended.set())

    def done(self) -> bool:
        """Return whether `result` would return or raise at once."""
        return bool(self._future.done())

    def wait(self, seconds: float) -> bool:
        """Wait for at most `seconds`; return whether `result` would return or raise at once."""
        return self._ended.wait(seconds)

    def result(self) -> Answer:
        """Wait for the answer and return it.

        Raises:
            UserError: as raised in the worker, or because the worker died or was lost.
        """
        try:
            answer: Answer = self._future.result()
        except KilledWorker as error:
            raise UserError(DIED) from error
        except CancelledError as error:
            raise UserError(_LOST) from error
        return answer
