"""Carries out one queued run of the store."""

import shutil
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial

from unlearn_core.artifacts.image_table import write_image_table
from unlearn_core.artifacts.picture_files import check_picture_files, write_picture_files
from unlearn_core.artifacts.predictions import Predictions
from unlearn_core.catalog.classifiers import Classifier, load_classifier
from unlearn_core.catalog.image_sets import ImageSet, load_images
from unlearn_core.common.files import make_once
from unlearn_core.common.log import log_event
from unlearn_core.common.sharing import public_message
from unlearn_core.common.surroundings import usual_surroundings
from unlearn_core.errors import UserError
from unlearn_core.forgetting.methods.base import CancelledError
from unlearn_core.forgetting.step import Step
from unlearn_core.jobs.checkpoint import delete_checkpoint
from unlearn_core.jobs.job import Found, Job
from unlearn_core.jobs.prepared import take
from unlearn_core.jobs.shared_result import digest_of, take_over
from unlearn_core.jobs.store_report import StoreReport
from unlearn_core.measuring.known_image_table import image_table, known_predictions, table_path
from unlearn_core.store.chain import START, earlier_sets, weights_before
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.rows import UNDER_WAY, RunState
from unlearn_core.store.runs import Store

WAY = ("steps.jsonl", "snapshots", "look_alikes.npz")
"""In a run's folder: how it came to its weights."""

OnStep = Callable[[Step], None]


@usual_surroundings()
def run_forget(
    store: Store, run_id: str, on_step: OnStep = lambda step: None, found_by: str | None = None
) -> None:
    """Carry out a queued run in this process.

    `found_by` is a finished run of strength 1 whose request differs at most in `strength` and `measure_on`:
    its weights are taken over instead of being looked for again.

    The run always ends in a final state: done, cancelled, or failed with one sentence. Exceptions are
    raised again after they are recorded. A run that is final already is left unchanged.
    """
    if store.get(run_id).state not in UNDER_WAY:
        return
    if store.cancel_requested(run_id):
        _end(store, run_id, RunState.CANCELLED)
        return
    run = store.get(run_id)
    store.update(run_id, state=RunState.RUNNING, started=run.started or datetime.now(UTC), phase="load")
    log_event("run started", run_id)
    try:
        if found_by is None and take_over(store, run):
            return
        _unlearn(store, run_id, on_step, found_by)
    except CancelledError:
        _end(store, run_id, RunState.CANCELLED)
    except UserError as error:
        _end(store, run_id, RunState.FAILED, str(error))
        raise
    except OSError as error:
        sentence = f"The run could not be saved: {error.strerror or error}."
        _end(store, run_id, RunState.FAILED, sentence)
        raise UserError(sentence) from error
    except Exception as error:
        log_event("run failed", run_id, fault=error)
        _end(store, run_id, RunState.FAILED, public_message(error))
        raise


def _end(store: Store, run_id: str, state: RunState, error: str | None = None) -> None:
    delete_checkpoint(store.folder(run_id))
    store.finish(run_id, state, error=error)


def _unlearn(store: Store, run_id: str, on_step: OnStep, found_by: str | None) -> None:
    request = store.get(run_id).parsed_request()
    start = time.perf_counter()
    classifier = load_classifier(request.classifier)
    reference = _start_after(store, run_id, request, classifier, found_by)
    images = load_images(request.images, classifier)
    _expect_the_same_files(store, (request.after, found_by, run_id), images)
    write_picture_files(store.folder(run_id), images.ids, images.files)
    measure_on = None if request.measure_on is None else load_images(request.measure_on, classifier)
    # In a chain the weights are those of an earlier run.
    unchanged = reference is None
    known = known_predictions(store.root, request.classifier, request.images) if unchanged else None
    loaded = time.perf_counter() - start
    report = StoreReport(store, run_id, classifier.module.state_dict(), start, on_step)
    Job(
        request,
        classifier,
        images,
        measure_on,
        report=report,
        seconds={"load": loaded},
        earlier=earlier_sets(store, request, found_by),
        reference=reference,
        known=known,
        found=None if found_by is None else _found(store, run_id, found_by),
        keep=partial(_keep_predictions, store, images, classifier.name) if unchanged else lambda said: None,
    ).run(take(lambda: digest_of(request)))


def _expect_the_same_files(store: Store, runs: Iterable[str | None], images: ImageSet) -> None:
    """Raise `UserError` if pictures are other files than those that a run, which this one rests on, had."""
    for one in filter(None, runs):
        check_picture_files(store.folder(one), images.name, images.ids, images.files)


def _keep_predictions(store: Store, images: ImageSet, classifier: str, said: Predictions) -> None:
    """Write the image table, from which the next run and the gallery take the predictions."""
    path = table_path(store.root, classifier, images.name)
    # On a full disk only the next run is slower.
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        make_once(path, lambda: image_table(images, said), write_image_table)


def _found(store: Store, run_id: str, found_by: str) -> Found:
    """Return what a finished run found, and copy how it came there into this run's folder.

    A run that did not end, or goes part of the way itself, raises `UserError`.
    """
    whole, folder = store.get(found_by), store.folder(found_by)
    result, weights = whole.parsed_result(), folder / "weights.safetensors"
    if result is None or not weights.exists() or whole.parsed_request().strength != 1:
        raise UserError(f"Run {found_by} has no classifier that could be kept.")
    for name in WAY:
        if (folder / name).is_dir():
            shutil.copytree(folder / name, store.folder(run_id) / name, dirs_exist_ok=True)
        elif (folder / name).exists():
            shutil.copyfile(folder / name, store.folder(run_id) / name)
    store.update(run_id, steps_done=result.steps)
    return Found(weights, result, tuple(store.steps(found_by)))


def _start_after(
    store: Store, run_id: str, request: ForgetRequest, classifier: Classifier, found_by: str | None
) -> Classifier | None:
    """Load the weights of the run that this one continues, and keep a copy with this run.

    Returns:
        The catalog's classifier, or None if this run continues no other.
    """
    weights = weights_before(store, request, found_by)
    if weights is None:
        return None
    reference = load_classifier(classifier.name)
    classifier.load_weights(weights)
    shutil.copyfile(weights, store.folder(run_id) / START)
    return reference
