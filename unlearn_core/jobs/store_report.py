"""Writes the reports of a job to the store."""

import copy
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict

from safetensors.torch import save_file
from torch import Tensor, nn

from unlearn_core.artifacts.look_alikes import write_look_alikes
from unlearn_core.artifacts.predictions import write_comparison
from unlearn_core.artifacts.steps import StepRecord, append_step, replace_steps
from unlearn_core.artifacts.weight_maps import write_weight_maps
from unlearn_core.common.tensor_files import writing_tensors
from unlearn_core.errors import UserError
from unlearn_core.forgetting.importance import mas_importance
from unlearn_core.forgetting.step import Step
from unlearn_core.jobs.checkpoint import (
    SECONDS_BETWEEN,
    Checkpoint,
    delete_checkpoint,
    read_checkpoint,
    write_checkpoint,
)
from unlearn_core.jobs.report import Outcome, Report
from unlearn_core.measuring.known_image_table import thumbnails
from unlearn_core.measuring.predict import to_pictures
from unlearn_core.measuring.weights.measure_weight_maps import measure_weight_maps
from unlearn_core.store.rows import RunState
from unlearn_core.store.run_file import delete_run_checksums, write_run_checksums
from unlearn_core.store.runs import Store
from unlearn_core.store.sign import sign
from unlearn_core.store.snapshots import SnapshotWriter, Weights

_log = logging.getLogger(__name__)


class StoreReport(Report):
    """Writes reports to the row and the folder of a run, and ends the run with its result.

    Args:
        store: of this machine.
        run_id: of the run.
        start: the weights that the run starts from, on the CPU.
        started: start time by `time.perf_counter`.
        on_step: also called with every step.
    """

    def __init__(
        self, store: Store, run_id: str, start: Weights, started: float, on_step: Callable[[Step], None]
    ) -> None:
        self._store, self._run_id, self._started, self._on_step = store, run_id, started, on_step
        self._folder = store.folder(run_id)
        delete_run_checksums(self._folder)
        self._resumed, self._snapshots = self._kept(start)
        replace_steps(self._folder, self._resumed.steps if self._resumed else ())
        if self._resumed:
            self._started -= self._resumed.seconds
        self._checkpointed = time.perf_counter()

    def _kept(self, start: Weights) -> tuple[Checkpoint | None, SnapshotWriter]:
        """Return where an earlier attempt is taken up, None at the start, and what writes snapshots."""
        folder = self._folder / "snapshots"
        try:
            resumed = read_checkpoint(self._folder, self._store.steps(self._run_id))
            if resumed is not None:
                return resumed, SnapshotWriter(folder, start, resumed.step)
        except UserError as error:
            _log.warning("Run %s starts anew: %s", self._run_id, error)
        return None, SnapshotWriter(folder, start)

    def phase(self, name: str) -> None:
        """Write the phase to the row."""
        sign(self._folder)
        self._store.update(self._run_id, phase=name, phase_share=0.0, phase_total=0)

    def progress(self, share: float) -> None:
        """Write the progress of the phase to the row."""
        sign(self._folder)
        self._store.update(self._run_id, phase_share=share)

    def counted(self, total: int) -> None:
        """Write the number to the row."""
        self._store.update(self._run_id, phase_total=total)

    def look_alikes(self, pixels: Tensor) -> None:
        """Write the pictures to the folder."""
        write_look_alikes(self._folder, thumbnails(to_pictures(pixels)))

    def step(self, step: Step, retain_accuracy: float | None) -> None:
        """Add the step to the folder and its number to the row."""
        seconds = round(time.perf_counter() - self._started, 3)
        append_step(
            self._folder, StepRecord(**asdict(step), retain_accuracy=retain_accuracy, seconds=seconds)
        )
        self._store.update(self._run_id, steps_done=step.step)
        self._on_step(step)

    def snapshot(self, step: int, module: nn.Module) -> None:
        """Write the weights to the folder."""
        self._snapshots.write(step, module)

    def resumed(self) -> Checkpoint | None:
        """Return what an earlier attempt left in the folder."""
        return self._resumed

    def checkpoint(self, state: Callable[[], Mapping[str, Tensor]]) -> None:
        """Write the state to the folder, if the last checkpoint is old."""
        now = time.perf_counter()
        if now - self._checkpointed >= SECONDS_BETWEEN:
            write_checkpoint(self._folder, Checkpoint(state(), now - self._started))
            self._checkpointed = time.perf_counter()

    def result(self, outcome: Outcome) -> None:
        """Write weights, predictions and weight maps to the folder, then set the final state."""
        self._store.update(self._run_id, phase="keep")
        after = outcome.classifier.module
        # Copies: a file has no place for two names of one tensor, as layers that are used twice have.
        tensors = {name: tensor.cpu().contiguous().clone() for name, tensor in after.state_dict().items()}
        with writing_tensors():
            save_file(tensors, self._folder / "weights.safetensors")
        write_comparison(self._folder, outcome.comparison)
        # Frozen weights matter to a prediction too.
        trainable = copy.deepcopy(outcome.original.module).requires_grad_(True)
        importance = mas_importance(trainable, outcome.forget_pixels)
        write_weight_maps(self._folder, measure_weight_maps(outcome.original.module, after, importance))
        write_run_checksums(self._folder)
        # The steps of a run with kept weights may be those of one that was cancelled.
        asked = self._store.cancel_requested(self._run_id)
        state = RunState.CANCELLED if asked and outcome.result.stopped == "cancelled" else RunState.DONE
        result = outcome.result.model_copy(update={"run": self._run_id})
        self._store.finish(self._run_id, state, result=result)
        delete_checkpoint(self._folder)

    def cancelled(self) -> bool:
        """Return whether the row requests it; each question is a sign that the run is at work."""
        sign(self._folder)
        return self._store.cancel_requested(self._run_id)
