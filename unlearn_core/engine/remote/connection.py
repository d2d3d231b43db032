"""The connection to a cluster: made when it is first needed, and again after it was lost."""

import threading
import time

import distributed
from distributed import Client

from unlearn_core.errors import UserError, first_line

_TIMEOUT = 5.0
"""Seconds to connect, and to connect again after the scheduler went away."""
_SECONDS_BETWEEN = 5.0
"""Before a cluster that could not be reached is tried again."""


class ClusterLostError(UserError):
    """The cluster cannot be reached, or not any more."""


class Connection:
    """To the scheduler at an address such as `tls://host:8786`, with the keys of Dask's configuration."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._client: Client | None = None
        self._failed: tuple[float, UserError] | None = None
        self._lock = threading.Lock()

    @property
    def client(self) -> Client:
        """The connected client; raises `ClusterLostError`, or `UserError` for an address without TLS."""
        with self._lock:
            if self._client is not None and self._client.status == "running":
                return self._client
            if self._failed is not None and time.monotonic() - self._failed[0] < _SECONDS_BETWEEN:
                raise self._failed[1]
            self._close()
            try:
                self._client = self._connected()
            except UserError as error:
                self._failed = (time.monotonic(), error)
                raise
            return self._client

    def lost(self) -> ClusterLostError:
        """Return the error of work that the cluster took along when it went away."""
        return ClusterLostError(f"The connection to the cluster {self._address} was lost.")

    def close(self) -> None:
        """Close it."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._client is not None:
            self._client.close(timeout=1)
            self._client = None

    def _connected(self) -> Client:
        if not self._address.startswith("tls://"):
            raise UserError(
                "UNLEARN_CLUSTER is not an address such as tls://host:8786: only TLS keeps others out."
            )
        client = None
        try:
            client = Client(self._address, timeout=_TIMEOUT, set_as_default=False)
            theirs = client.sync(client.scheduler.versions)["packages"]
        # Dask raises errors of several kinds: OSError, TypeError without keys, RuntimeError of its loop.
        except Exception as error:
            if client is not None:
                client.close(timeout=1)
            raise ClusterLostError(
                f"The cluster {self._address} cannot be reached: {first_line(error)}."
            ) from error
        if theirs["distributed"] != distributed.__version__:
            client.close(timeout=1)
            raise UserError(
                f"The cluster's scheduler has Dask {theirs['distributed']}, this server "
                f"{distributed.__version__}: install the same version on both."
            )
        return client
