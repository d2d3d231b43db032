"""The connection to a cluster: made when it is first needed, and again after it was lost."""

import os
import re
import socket
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import distributed
from cryptography import x509
from distributed import Client, Security

from unlearn_core.common.log import log_event
from unlearn_core.common.sharing import is_shared
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
        return ClusterLostError(f"The connection to the cluster{self._name()} was lost.")

    def close(self) -> None:
        """Close it."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._client is not None:
            try:
                self._client.close(timeout=1)
            # Where the cluster is gone, Dask raises what its attempt to reach it again ended with.
            except Exception as error:
                log_event("connection to the cluster not closed", fault=error)
            self._client = None

    def _connected(self) -> Client:
        self._check()
        client = None
        try:
            client = Client(self._address, timeout=_TIMEOUT, set_as_default=False)
            theirs = client.sync(client.scheduler.versions)["packages"]["distributed"]
        # Dask raises errors of several kinds, such as OSError and the RuntimeError of its loop.
        except Exception as error:
            if client is not None:
                client.close(timeout=1)
            raise self._unreachable(error) from error
        if theirs != distributed.__version__:
            client.close(timeout=1)
            raise UserError(
                f"The cluster's scheduler has Dask {theirs}, this server {distributed.__version__}: "
                "install the same version on both."
            )
        return client

    def _check(self) -> None:
        """Raise `UserError` for what is wrong at first sight: Dask says it late, and in many lines."""
        address = re.fullmatch(r"tls://\[?([^/\]]+)\]?:(\d{1,5})", self._address)
        if address is None:
            raise UserError(
                "UNLEARN_CLUSTER is not an address such as tls://host:8786; without TLS it is open."
            )
        keys = Security()
        if not (keys.tls_ca_file and keys.tls_client_cert and keys.tls_client_key):
            raise UserError(
                "The keys for the cluster are missing in Dask's configuration: distributed.comm.tls.ca-file, "
                "distributed.comm.tls.client.cert and distributed.comm.tls.client.key."
            )
        try:
            socket.create_connection((address[1], int(address[2])), _TIMEOUT).close()
        except (OSError, OverflowError) as error:
            raise self._unreachable(error) from error
        _check_keys(keys)

    def _name(self) -> str:
        return "" if is_shared() else f" {self._address}"

    def _unreachable(self, error: Exception) -> ClusterLostError:
        reason = getattr(error, "strerror", None) or first_line(error)
        return ClusterLostError(f"The cluster{self._name()} cannot be reached: {reason}.")


def _check_keys(keys: Security) -> None:
    """Raise `UserError` for keys that cannot be used: TLS would only say that the connection broke."""
    named = {
        "ca-file": keys.tls_ca_file,
        "client.cert": keys.tls_client_cert,
        "client.key": keys.tls_client_key,
    }
    for name, place in named.items():
        # Dask also takes the text of a key itself.
        if "\n" not in place and not os.access(place, os.R_OK):
            raise UserError(f"The file in distributed.comm.tls.{name} is missing or cannot be read.")
    certificate = keys.tls_client_cert
    try:
        keys.get_connection_args("client")
        data = certificate.encode() if "\n" in certificate else Path(certificate).read_bytes()
        ends = x509.load_pem_x509_certificate(data).not_valid_after_utc
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or first_line(error)
        raise UserError(f"The keys for the cluster cannot be used: {reason}.") from error
    if ends < datetime.now(UTC):
        raise UserError(
            f"The certificate in distributed.comm.tls.client.cert expired on {ends:%d %B %Y}: make new ones "
            "for server, scheduler and workers."
        )
