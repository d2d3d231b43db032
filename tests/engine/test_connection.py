"""Keys of a cluster that cannot be used are one sentence each: TLS only says that the connection broke."""

import socket
from collections.abc import Callable
from pathlib import Path

import dask
import pytest

from tests.dask_cluster import make_keys
from unlearn_core.engine.remote.connection import Connection
from unlearn_core.errors import UserError


def _nothing(folder: Path) -> None:
    make_keys(folder)
    (folder / "key.pem").unlink()


def _garbage(folder: Path) -> None:
    make_keys(folder)
    (folder / "cert.pem").write_text("no certificate", encoding="utf-8")


def _expired(folder: Path) -> None:
    make_keys(folder, hours=-1)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (_nothing, r"The file in distributed\.comm\.tls\.client\.key is missing or cannot be read\."),
        (_garbage, r"The keys for the cluster cannot be used: "),
        (
            _expired,
            r"The certificate in distributed\.comm\.tls\.client\.cert expired on \d+ \w+ \d+: make new",
        ),
    ],
)
def test_keys_that_cannot_be_used(make: Callable[[Path], None], sentence: str, tmp_path: Path) -> None:
    make(tmp_path)
    files = {"ca-file": "ca.pem", "client.cert": "cert.pem", "client.key": "key.pem"}
    keys = {f"distributed.comm.tls.{key}": str(tmp_path / file) for key, file in files.items()}
    with socket.create_server(("127.0.0.1", 0)) as server, dask.config.set(keys):
        connection = Connection(f"tls://127.0.0.1:{server.getsockname()[1]}")
        with pytest.raises(UserError, match=sentence):
            assert connection.client
