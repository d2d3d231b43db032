"""A Dask cluster as an operator starts it: by Dask's commands, with keys of its own."""

import re
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dask
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.another_user import CODE, User
from tests.waiting import PATIENCE
from unlearn_core.engine.engine import Engine
from unlearn_core.store.runs import Store

_HERE = "--host 127.0.0.1 --no-dashboard --dashboard-address 127.0.0.1:0"


@dataclass
class DaskCluster:
    """Scheduler and workers, whose processes a user has; `folder` has their keys, logs and files."""

    folder: Path
    user: User
    address: str = ""
    processes: dict[str, subprocess.Popen[str]] = field(default_factory=dict)

    def add_worker(self, name: str, resources: str, code: Path = CODE) -> None:
        """Start a worker with the code at a path."""
        self._start(
            name,
            f"worker {self.address} --name {name} --resources {resources} --nthreads 1 --memory-limit 0 "
            f"{_HERE} --local-directory {self.folder / 'scratch'}",
            code,
        )

    def add_scheduler(self) -> None:
        """Start the scheduler and wait for its address."""
        self._start("scheduler", f"scheduler --protocol tls --port 0 {_HERE}")
        deadline = time.monotonic() + PATIENCE
        while not (found := re.search(r"Scheduler at:\s+(tls://\S+)", self.log("scheduler"))):
            assert time.monotonic() < deadline, self.log("scheduler")
            time.sleep(0.05)
        self.address = found[1]

    def log(self, name: str) -> str:
        """Return what a process has written so far."""
        return (self.folder / f"{name}.log").read_text(encoding="utf-8")

    def close(self) -> None:
        """End all processes."""
        for process in reversed(self.processes.values()):
            process.terminate()
        for process in self.processes.values():
            process.wait(PATIENCE)

    def _start(self, name: str, arguments: str, code: Path = CODE) -> None:
        environment = {
            "UNLEARN_HOME": str(self.folder / "never"),
            "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0",
            "DASK_DISTRIBUTED__SCHEDULER__HTTP__ROUTES": "[]",
            "DASK_DISTRIBUTED__WORKER__HTTP__ROUTES": "[]",
            **tls_settings(self.folder),
        }
        with (self.folder / f"{name}.log").open("w", encoding="utf-8") as log:
            self.processes[name] = self.user.start(
                ["-m", "dask", *arguments.split()], self.folder, environment, log, code
            )


@contextmanager
def dask_cluster(user: User, workers: Mapping[str, str]) -> Iterator[DaskCluster]:
    """Start a scheduler and workers, given by name and resources, and end them afterwards."""
    with tempfile.TemporaryDirectory(prefix="unlearn-cluster-", ignore_cleanup_errors=True) as folder:
        make_keys(Path(folder))
        user.own(Path(folder))
        cluster = DaskCluster(Path(folder), user)
        try:
            cluster.add_scheduler()
            for name, resources in workers.items():
                cluster.add_worker(name, resources)
            yield cluster
        finally:
            cluster.close()


@contextmanager
def server_on(cluster: DaskCluster, home: Path) -> Iterator[Engine]:
    """Start a server with this home that uses the cluster, with the keys of its operator."""
    tls = "distributed.comm.tls"
    keys = {
        f"{tls}.ca-file": str(cluster.folder / "ca.pem"),
        f"{tls}.client.cert": str(cluster.folder / "cert.pem"),
        f"{tls}.client.key": str(cluster.folder / "key.pem"),
    }
    with pytest.MonkeyPatch.context() as patch, dask.config.set(keys):
        patch.setenv("UNLEARN_CLUSTER", cluster.address)
        patch.setenv("UNLEARN_HOME", str(home))
        patch.setattr("unlearn_core.engine.remote.connection._TIMEOUT", 60.0)
        engine = Engine(Store(home))
        try:
            yield engine
        finally:
            engine.close()


def tls_settings(folder: Path) -> dict[str, str]:
    """Return Dask's settings for the keys in a folder."""
    start = "DASK_DISTRIBUTED__COMM__TLS__"
    roles = ("CLIENT", "WORKER", "SCHEDULER")
    return {
        f"{start}CA_FILE": str(folder / "ca.pem"),
        **{f"{start}{role}__CERT": str(folder / "cert.pem") for role in roles},
        **{f"{start}{role}__KEY": str(folder / "key.pem") for role in roles},
    }


def make_keys(folder: Path, hours: float = 24) -> None:
    """Write an authority, and a certificate with its key that all parts share, valid for so many hours."""
    authority, own = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    (folder / "ca.pem").write_bytes(_certificate("authority", authority, authority, hours))
    (folder / "cert.pem").write_bytes(_certificate("cluster", own, authority, hours))
    kept = own.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "key.pem").write_bytes(kept)


def _certificate(
    name: str, key: ec.EllipticCurvePrivateKey, by: ec.EllipticCurvePrivateKey, hours: float
) -> bytes:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority")]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=2))
        .not_valid_after(now + timedelta(hours=hours))
        .add_extension(x509.BasicConstraints(key is by, None), critical=True)
        .sign(by, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )
