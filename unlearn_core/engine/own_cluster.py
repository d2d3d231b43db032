"""Two lanes per device on this machine, each a warm worker process: one forgets, one looks (measures).

Dask's `LocalCluster` gives all its workers the same resources; each lane needs its own, so this builds the
underlying `SpecCluster`. A nanny restarts a worker that died, and tasks are tied to a lane by resource, not
by address, so the restarted worker takes the next task.
"""

import os
import uuid
from pathlib import Path
from typing import Any

import dask
import psutil
from distributed import Client, Future, Scheduler, Security, SpecCluster

from unlearn_core.common.threads import patient_threads
from unlearn_core.engine import tasks
from unlearn_core.engine.lanes import LANES, lanes
from unlearn_core.engine.looks import LookRequest
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.rows import Run
from unlearn_core.store.wanted import Wanted

# Dask reads it when a worker dies: on a busy machine the next one may take longer than its 15 seconds, after
# which the lane would be given up for ever.
dask.config.set({"distributed.deploy.lost-worker-timeout": "1 day"})
_SETTINGS: dict[str, object] = {
    # A task that killed its worker would kill the next one too.
    "distributed.scheduler.allowed-failures": 0,
    # By the clock, which may jump: `Watch` finds workers that hang.
    "distributed.scheduler.worker-ttl": None,
    "distributed.worker.daemon": True,
    # Their web pages, which have no TLS, would show every user of this machine the ids of runs.
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
}


_FIRST = 1
"""Priority above that of every run: the one that waits for what is prepared comes after it."""


class OwnCluster:
    """Starts scheduler and workers that share the store at `root`, and gives them tasks."""

    def __init__(self, root: Path) -> None:
        self._root = root
        # Other users of this machine reach the port too, but only this process has the certificate.
        security = Security.temporary()
        # Dask would limit every worker to one thread; a request must run as on the command line.
        with dask.config.set(
            _SETTINGS | {"distributed.nanny.pre-spawn-environ": patient_threads(os.environ)}
        ):
            self._workers = SpecCluster(
                workers=lanes(root, security),
                scheduler={
                    "cls": Scheduler,
                    "options": {
                        "protocol": "tls",
                        "security": security,
                        "host": "127.0.0.1",
                        "port": 0,
                        "dashboard": False,
                        "dashboard_address": "127.0.0.1:0",
                    },
                },
                security=security,
                silence_logs=40,
            )
            self.client = Client(self._workers, security=security, set_as_default=False)
        self._warm = [
            self.client.submit(tasks.warm, resources={lane: 1}, key=f"warm-{lane}", pure=False)
            for lane in LANES
        ]
        # After it, so that what is looked at first does not wait.
        self._warm.append(
            self.client.submit(
                tasks.warm_optimiser, resources={"forget": 1}, priority=-1, key="warm-optimiser", pure=False
            )
        )

    def check(self) -> None:
        """Do nothing: these workers can always be reached."""

    def forget(self, run: Run, priority: int, found_by: str | None) -> Future:
        """Carry out a queued run; see `tasks.forget`."""
        return self.client.submit(
            tasks.forget,
            str(self._root),
            run.id,
            found_by,
            resources={"forget": 1},
            priority=priority,
            key=f"forget-{run.id}-{uuid.uuid4().hex}",
            pure=False,
        )

    def prepare(self, request: ForgetRequest, wanted: Wanted) -> Future:
        """Prepare a run that may follow; see `tasks.prepare`."""
        return self.client.submit(
            tasks.prepare,
            str(self._root),
            request,
            wanted,
            resources={"forget": 1},
            priority=_FIRST,
            key=f"prepare-{uuid.uuid4().hex}",
            pure=False,
        )

    def look(self, request: LookRequest[Any]) -> Future:
        """Answer a request."""
        return self.client.submit(
            tasks.look,
            str(self._root),
            request,
            resources={"look": 1},
            key=f"{type(request).__name__}-{uuid.uuid4().hex}",
            pure=False,
        )

    def end_worker_of(self, run_id: str) -> bool:
        """Kill the process that carries out a run, return whether there is one; the nanny starts another."""
        at_work, known = self.client.processing(), self.client.scheduler_info()["workers"]
        for address, keys in at_work.items():
            if any(key.startswith(f"forget-{run_id}-") for key in keys):
                psutil.Process(self._workers.workers[known[address]["name"]].pid).kill()
                return True
        return False

    def close(self) -> None:
        """Stop the workers."""
        self.client.close()
        self._workers.close()
