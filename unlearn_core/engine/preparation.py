"""The preparation of a run that may follow: one at a time, of what somebody picked last."""

import threading
import uuid
from pathlib import Path

from unlearn_core.artifacts.look_alikes import LookAlikes
from unlearn_core.engine.own_cluster import OwnCluster
from unlearn_core.engine.pending import Look
from unlearn_core.errors import UserError
from unlearn_core.store.request import ForgetRequest


class Preparation:
    """Has the forgetting lane prepare a run while the person still picks.

    Args:
        cluster: of this process.
        root: of the store, where an empty file says as long as it is there that a preparation is wanted.
    """

    def __init__(self, cluster: OwnCluster, root: Path) -> None:
        self._cluster, self._folder = cluster, root / "workers"
        self._lock = threading.Lock()
        self._last: tuple[ForgetRequest, Path, Look[LookAlikes | None]] | None = None

    def of(self, request: ForgetRequest) -> Look[LookAlikes | None]:
        """Prepare a request, and nothing else any longer; the one that was asked for last gets the same Look.

        Raises:
            UserError: the store cannot be written.
        """
        with self._lock:
            if self._last is not None and self._last[0] == request:
                return self._last[2]
            self._withdraw()
            wanted = self._folder / f"preparing-{uuid.uuid4().hex}"
            try:
                self._folder.mkdir(exist_ok=True)
                wanted.touch()
            except OSError as error:
                raise UserError(f"{self._folder} cannot be written: {error.strerror or error}.") from error
            look = Look[LookAlikes | None](self._cluster.prepare(request, wanted))
            self._last = request, wanted, look
            return look

    def leave_to(self, request: ForgetRequest) -> None:
        """Leave what is prepared to a run; what is being prepared for another request is given up."""
        with self._lock:
            if self._last is not None and self._last[0] != request:
                self._withdraw()
            self._last = None

    def _withdraw(self) -> None:
        if self._last is not None:
            self._last[1].unlink(missing_ok=True)
