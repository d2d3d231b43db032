"""Somebody without keys, another user of this machine where one can be had: nothing of an engine answers."""

import json
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.another_user import THIS, another_user
from tests.dask_cluster import dask_cluster
from tests.waiting import PATIENCE, wait_until
from unlearn_core.engine.engine import Engine
from unlearn_core.store.runs import Store

STRANGER = """
import asyncio, json, sys, urllib.request
from distributed import Security
from distributed.core import rpc

async def asked(address, keys):
    arguments = keys.get_connection_args("client") if keys else None
    async with rpc(address, timeout=5, connection_args=arguments) as there:
        return await asyncio.wait_for(there.identity(), 5)

def read(port, page):
    return urllib.request.urlopen(f"http://127.0.0.1:{port}/{page}", timeout=5).read()

async def main(ports):
    tried = {}
    for port in ports:
        tried[f"{port} without TLS"] = asked(f"tcp://127.0.0.1:{port}", None)
        tried[f"{port} with other keys"] = asked(f"tls://127.0.0.1:{port}", Security.temporary())
        for page in ("", "info/main/workers.html", "json/identity.json", "metrics"):
            tried[f"{port} page {page}"] = asyncio.to_thread(read, port, page)
    told = await asyncio.gather(*tried.values(), return_exceptions=True)
    answers = [name for name, one in zip(tried, told) if not isinstance(one, Exception)]
    print(json.dumps([len(tried), answers]))

if __name__ == "__main__":
    asyncio.run(main([int(port) for port in sys.argv[1:]]))
"""


@pytest.fixture
def own_ports(tmp_path: Path) -> Iterator[set[int]]:
    """The ports of an engine that has started its workers: those of scheduler, nannies and workers."""
    engine = Engine(Store(tmp_path / "home"))
    yield ports_of([psutil.Process()])
    engine.close()


@pytest.fixture
def ports_of_cluster() -> Iterator[set[int]]:
    with dask_cluster(THIS, {"any": "forget=1"}) as cluster:
        wait_until(lambda: "Register worker" in cluster.log("scheduler"))
        yield ports_of(psutil.Process(process.pid) for process in cluster.processes.values())


@pytest.mark.parametrize("ports", ["own_ports", "ports_of_cluster"])
def test_nothing_answers_somebody_without_keys(ports: str, request: pytest.FixtureRequest) -> None:
    found: set[int] = request.getfixturevalue(ports)
    # Scheduler, nanny and worker have one each at least.
    assert len(found) >= 3
    arguments = ["-c", STRANGER, *map(str, sorted(found))]
    stranger = (another_user() or THIS).start(arguments, Path("/"), {}, subprocess.PIPE)
    said, _ = stranger.communicate(timeout=PATIENCE)
    tried, answers = json.loads(said.splitlines()[-1])
    assert tried == 6 * len(found)
    assert answers == []


def ports_of(processes: Iterable[psutil.Process]) -> set[int]:
    """Return the ports on which processes, or those that they started, wait for connections."""
    all_of_them = {one for process in processes for one in [process, *process.children(recursive=True)]}
    return {
        connection.laddr.port
        for process in all_of_them
        for connection in process.net_connections()
        if connection.status == psutil.CONN_LISTEN
    }
