"""Runs one queued run of the store to its end."""

import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime

from unlearn_core.catalog.classifiers import Classifier, load_classifier
from unlearn_core.catalog.image_sets import load_images
from unlearn_core.common.sharing import public_message
from unlearn_core.errors import UserError
from unlearn_core.forgetting.methods.base import CancelledError
from unlearn_core.forgetting.step import Step
from unlearn_core.jobs.job import Job
from unlearn_core.jobs.store_report import StoreReport
from unlearn_core.store.chain import START, earlier_sets, weights_before
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.rows import UNDER_WAY, RunState
from unlearn_core.store.runs import Store

OnStep = Callable[[Step], None]


def run_forget(store: Store, run_id: str, on_step: OnStep = lambda step: None) -> None:
    """Carry out a queued run in this process.

    Whatever happens, the run ends in a final state: done, cancelled, or failed with one sentence. Faults of
    the program are raised again after they were noted; a `UserError` is raised again too. A run that is
    final already is left alone.
    """
    if store.get(run_id).state not in UNDER_WAY:
        return
    if store.cancel_requested(run_id):
        store.finish(run_id, RunState.CANCELLED)
        return
    store.update(run_id, state=RunState.RUNNING, started=datetime.now(UTC), phase="load")
    try:
        _unlearn(store, run_id, on_step)
    except CancelledError:
        store.finish(run_id, RunState.CANCELLED)
    except UserError as error:
        store.finish(run_id, RunState.FAILED, error=str(error))
        raise
    except OSError as error:
        sentence = f"The run could not be kept: {error.strerror or error}."
        store.finish(run_id, RunState.FAILED, error=sentence)
        raise UserError(sentence) from error
    except Exception as error:
        store.finish(run_id, RunState.FAILED, error=public_message(error))
        raise


def _unlearn(store: Store, run_id: str, on_step: OnStep) -> None:
    request = store.get(run_id).parsed_request()
    start = time.perf_counter()
    classifier = load_classifier(request.classifier)
    reference = _take_up(store, run_id, request, classifier)
    images = load_images(request.images, classifier)
    measure_on = None if request.measure_on is None else load_images(request.measure_on, classifier)
    loaded = time.perf_counter() - start
    Job(
        request,
        classifier,
        images,
        measure_on,
        report=StoreReport(store, run_id, classifier.module.state_dict(), start, on_step),
        seconds={"load": loaded},
        earlier=earlier_sets(store, request),
        reference=reference,
    ).run()


def _take_up(store: Store, run_id: str, request: ForgetRequest, classifier: Classifier) -> Classifier | None:
    """Give the classifier the weights of the run it continues, and keep them with this run.

    Returns:
        The classifier as the catalog has it, or None where this run continues no other.
    """
    weights = weights_before(store, request)
    if weights is None:
        return None
    reference = load_classifier(classifier.name)
    classifier.load_weights(weights)
    shutil.copyfile(weights, store.folder(run_id) / START)
    return reference
