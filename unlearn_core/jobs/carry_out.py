"""Runs one queued run to its end and keeps what came of it."""

import shutil
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from safetensors.torch import save_file

from unlearn_core.catalog.classifiers import Classifier, load_classifier
from unlearn_core.catalog.image_sets import load_images
from unlearn_core.common.sharing import public_message
from unlearn_core.errors import UserError
from unlearn_core.forgetting.importance import mas_importance
from unlearn_core.forgetting.loop import Step
from unlearn_core.forgetting.methods.base import CancelledError
from unlearn_core.jobs.unlearn import Observer, Outcome, unlearn
from unlearn_core.measuring.weights.write_weight_maps import write_weight_maps
from unlearn_core.store.chain import START, earlier_sets, weights_before
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.runs import UNDER_WAY, RunState, Store
from unlearn_core.store.snapshots import SnapshotWriter

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
        outcome = _unlearn(store, run_id, on_step)
        store.update(run_id, phase="keep")
        _keep(store.folder(run_id), outcome)
    except CancelledError:
        store.finish(run_id, RunState.CANCELLED)
        return
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
    cancelled = outcome.result["stopped"] == "cancelled"
    state = RunState.CANCELLED if cancelled else RunState.DONE
    store.finish(run_id, state, result={"run": run_id, **outcome.result})


def _unlearn(store: Store, run_id: str, on_step: OnStep) -> Outcome:
    request = store.get(run_id).parsed_request()
    start = time.perf_counter()
    classifier = load_classifier(request.classifier)
    reference = _take_up(store, run_id, request, classifier)
    images = load_images(request.images, classifier)
    measure_on = None if request.measure_on is None else load_images(request.measure_on, classifier)
    loaded = time.perf_counter() - start
    folder = store.folder(run_id)
    (folder / "steps.jsonl").unlink(missing_ok=True)
    snapshots = SnapshotWriter(folder / "snapshots", classifier.module.state_dict())

    def keep_step(step: Step, retained: float | None) -> None:
        seconds = round(time.perf_counter() - start, 3)
        store.append_step(run_id, {**asdict(step), "retain_accuracy": retained, "seconds": seconds})
        store.update(run_id, steps_done=step.step)
        on_step(step)

    observer = Observer(
        phase=lambda phase: store.update(run_id, phase=phase, phase_share=0.0),
        progress=lambda share: store.update(run_id, phase_share=share),
        step=keep_step,
        snapshot=snapshots.write,
        cancelled=lambda: store.cancel_requested(run_id),
    )
    return unlearn(
        classifier,
        images,
        measure_on=measure_on,
        observer=observer,
        seconds={"load": loaded},
        earlier=earlier_sets(store, request),
        reference=reference,
        **request.model_dump(exclude={"classifier", "images", "measure_on"}),
    )


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


def _keep(folder: Path, outcome: Outcome) -> None:
    tensors = {name: t.cpu().contiguous() for name, t in outcome.classifier.module.state_dict().items()}
    save_file(tensors, folder / "weights.safetensors")
    measured = outcome.measured
    np.savez_compressed(
        folder / "predictions.npz",
        ids=measured.ids,
        image_set=measured.image_set,
        group=measured.group,
        labels=measured.labels,
        labelled=measured.labelled,
        before=measured.before.classes,
        after=measured.after.classes,
        before_confidences=measured.before.confidences,
        after_confidences=measured.after.confidences,
        before_top=measured.before.top_confidences,
        after_top=measured.after.top_confidences,
        class_names=np.array(outcome.classifier.class_names),
    )
    importance = mas_importance(outcome.original.module, outcome.forget_pixels)
    write_weight_maps(
        folder / "weight_maps.npz", outcome.original.module, outcome.classifier.module, importance
    )
