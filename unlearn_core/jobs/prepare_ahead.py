"""Prepares a run that may follow, in the process that will carry it out."""

from collections.abc import Callable

from torch import Tensor

from unlearn_core.artifacts.look_alikes import LookAlikes
from unlearn_core.catalog.classifiers import load_classifier
from unlearn_core.catalog.image_sets import load_images
from unlearn_core.common.surroundings import usual_surroundings
from unlearn_core.errors import UserError
from unlearn_core.forgetting.methods.base import CancelledError
from unlearn_core.jobs.job import Job
from unlearn_core.jobs.prepared import Prepared, keep
from unlearn_core.jobs.report import Report
from unlearn_core.jobs.shared_result import digest_of
from unlearn_core.measuring.known_image_table import known_predictions, thumbnails
from unlearn_core.measuring.predict import to_pictures
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.rows import RunState
from unlearn_core.store.runs import Store

MOST_BYTES = 2**29
"""Of a network: a larger one is not held in memory for a run that may never follow."""


class _Collected(Report):
    """Keeps the look-alikes that a job reports; cancels it when it is no longer wanted.

    A run that waits for it gets its progress; where that run no longer waits it is not wanted either.
    """

    def __init__(self, store: Store, waiting: Callable[[], str | None]) -> None:
        self._store, self._waiting = store, waiting
        self._phase, self.total = "", 0
        self.some: Tensor | None = None

    def phase(self, name: str) -> None:
        """Note the phase."""
        self._phase = name

    def progress(self, share: float) -> None:
        """Write the progress to the row of the run that waits."""
        if run_id := self._who_waits():
            self._store.update(run_id, phase=self._phase, phase_share=share, phase_total=self.total)

    def counted(self, total: int) -> None:
        """Keep the number."""
        self.total = total

    def look_alikes(self, pixels: Tensor) -> None:
        """Keep the pictures."""
        self.some = pixels

    def cancelled(self) -> bool:
        """Return whether nobody waits for it."""
        return self._who_waits() is None

    def _who_waits(self) -> str | None:
        run_id = self._waiting()
        return run_id if not run_id or self._is_queued(run_id) else None

    def _is_queued(self, run_id: str) -> bool:
        try:
            return self._store.get(run_id).state == RunState.QUEUED
        except UserError:
            # It was deleted.
            return False


@usual_surroundings()
def prepare_ahead(
    store: Store, request: ForgetRequest, waiting: Callable[[], str | None] = lambda: ""
) -> LookAlikes | None:
    """Prepare a run of a request, and keep what it needs for it in this process.

    Nothing is kept where classifier or pictures changed meanwhile.

    Args:
        store: of the run.
        request: of a run that is the first of its chain.
        waiting: returns the id of the run that waits, "" while none does, and None to end.

    Returns:
        Some of the look-alikes; None where the method makes none or does not prepare ahead, all pictures
        would have to be measured first, the network is too large, or it is no longer wanted.

    Raises:
        UserError: as `unlearn`.
    """
    depends_on = digest_of(request)
    classifier = load_classifier(request.classifier)
    images = load_images(request.images, classifier)
    known = known_predictions(store.root, request.classifier, request.images)
    size = sum(tensor.nbytes for tensor in classifier.module.state_dict().values())
    if known is None or request.after is not None or size > MOST_BYTES:
        return None
    report, seconds = _Collected(store, waiting), dict[str, float]()
    job = Job(request, classifier, images, report=report, known=known)
    if not job.method.prepares_ahead:
        return None
    try:
        loop = job.begin()
        loop.task.seconds = seconds
        loop.prepare()
    except CancelledError:
        return None
    if digest_of(request) != depends_on:
        return None
    keep(depends_on, Prepared(loop, job.classifier, seconds, report.some))
    return None if report.some is None else LookAlikes(report.total, thumbnails(to_pictures(report.some)))
