"""The state of a run under way, from which it goes on after its worker or the server died.

All that comes before the loop is repeatable and made anew. Snapshots are no help: they are lossy.
"""

import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from unlearn_core.artifacts.steps import StepRecord
from unlearn_core.common.files import atomic_write
from unlearn_core.common.tensor_files import writing_tensors
from unlearn_core.store.run_file import CHECKPOINT

SECONDS_BETWEEN = 15.0
"""Between two checkpoints of a run: one takes up to five times the size of the weights."""
_SECONDS = "seconds"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Checkpoint:
    """Where a run goes on.

    Attributes:
        state: of its `ForgettingLoop`.
        seconds: from the start of the run to this state, without interruptions.
        steps: up to this state, the start first.
    """

    state: Mapping[str, Tensor]
    seconds: float
    steps: tuple[StepRecord, ...] = ()

    @property
    def step(self) -> int:
        """The number of the step."""
        return int(self.state["step"])


def write_checkpoint(folder: Path, checkpoint: Checkpoint) -> None:
    """Write state and seconds into the folder of a run, in place of an earlier checkpoint."""
    tensors = {name: tensor.cpu().contiguous() for name, tensor in checkpoint.state.items()}
    with atomic_write(folder / CHECKPOINT) as half, writing_tensors():
        save_file(tensors, half, {_SECONDS: str(checkpoint.seconds)})


def read_checkpoint(folder: Path, steps: list[StepRecord]) -> Checkpoint | None:
    """Return the checkpoint of a run; None if there is none, or one that cannot be used.

    Args:
        folder: of the run.
        steps: its steps so far.
    """
    if not (folder / CHECKPOINT).exists():
        return None
    try:
        with safe_open(folder / CHECKPOINT, "pt") as file:
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            found = Checkpoint(state, float(file.metadata()[_SECONDS]))
        numbers = [step.step for step in steps[: found.step + 1]]
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        _log.warning("The checkpoint of run %s is damaged, so it starts anew: %s", folder.name, error)
        return None
    if numbers != list(range(found.step + 1)):
        _log.warning("Run %s has lost steps, so it starts anew.", folder.name)
        return None
    return Checkpoint(found.state, found.seconds, tuple(steps[: found.step + 1]))


def delete_checkpoint(folder: Path) -> None:
    """Remove the checkpoint of a run that has ended; it may have ended because nothing can be written."""
    with suppress(OSError):
        (folder / CHECKPOINT).unlink(missing_ok=True)
