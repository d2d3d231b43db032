"""Visits the workers that have tasks of this server: brings what they lack, and fetches what is new."""

import logging
import threading
from collections.abc import Callable

from distributed import Client

from unlearn_core.engine.remote import worker_side
from unlearn_core.engine.remote.errand import News
from unlearn_core.engine.remote.sent import Sent

_SECONDS_BETWEEN = 0.2

_log = logging.getLogger(__name__)


class Courier:
    """A thread that goes round the workers while there are tasks.

    Args:
        client: returns the connection.
    """

    def __init__(self, client: Callable[[], Client]) -> None:
        self._client = client
        self._sent: dict[str, Sent] = {}
        self._visited: set[str] = set()
        self._more, self._closed = threading.Event(), threading.Event()
        threading.Thread(target=self._go_round, name="courier", daemon=True).start()

    def add(self, key: str, sent: Sent) -> None:
        """Look after the task of this key from now on."""
        self._sent[key] = sent
        self._more.set()

    def remove(self, key: str) -> None:
        """Forget about the task of this key."""
        self._sent.pop(key, None)

    def close(self) -> None:
        """Stop visiting."""
        self._closed.set()
        self._more.set()

    def _go_round(self) -> None:
        while not self._closed.wait(_SECONDS_BETWEEN):
            self._more.clear()
            if not self._sent:
                self._more.wait()
                continue
            try:
                for address, keys in self._client().processing().items():
                    if address not in self._visited and not self._sent.keys().isdisjoint(keys):
                        self._visited.add(address)
                        # One thread each: a worker that hangs must not delay the others.
                        threading.Thread(target=self._visit, args=(address, keys), daemon=True).start()
            # A cluster that is away for a moment must not end the rounds.
            except Exception as error:
                _log.debug("The cluster's workers could not be visited: %s", error)

    def _visit(self, address: str, keys: list[str]) -> None:
        try:
            again = True
            while again and not self._closed.is_set():
                sent = {key: one for key in keys if (one := self._sent.get(key)) is not None}
                news = self._ask(address, sent)
                # All of them, also after the first that lacks something.
                again = True in [sent[key].take(one) for key, one in news.items()]
        except Exception as error:
            _log.debug("The worker %s could not be visited: %s", address, error)
        finally:
            self._visited.discard(address)

    def _ask(self, address: str, sent: dict[str, Sent]) -> dict[str, News]:
        given = {key: one.given() for key, one in sent.items()}
        found: dict[str, News] = self._client().run(worker_side.exchange, given, workers=[address])[address]
        return found
