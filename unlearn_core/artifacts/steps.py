"""`steps.jsonl` of a run: one line with a JSON object per step of the loop."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import TypeAdapter

from unlearn_core.common.budget import Budget
from unlearn_core.common.checksums import check
from unlearn_core.common.damaged import damaged_becomes
from unlearn_core.common.files import atomic_write
from unlearn_core.forgetting.step import Step

RETAIN_SAMPLE = Budget(128, 12)
"""Kept pictures, at most, whose accuracy is measured on the way; the result uses all of them."""

_FILE = "steps.jsonl"


@dataclass(frozen=True)
class StepRecord(Step):
    """A step with further measurements.

    `retain_accuracy` is the accuracy in percent on a sample of D_r, None at steps where it is not measured;
    `seconds` is the time since the run's start.
    """

    retain_accuracy: float | None
    seconds: float


_RECORD = TypeAdapter(StepRecord)


def append_step(folder: Path, record: StepRecord) -> None:
    """Add a line to the steps in a run's folder."""
    with (folder / _FILE).open("a", encoding="utf-8") as file:
        file.write(_line(record))


def _line(record: StepRecord) -> str:
    return json.dumps(asdict(record)) + "\n"


def read_steps(folder: Path) -> list[StepRecord]:
    """Return the steps so far; a last line that is still being written is left out.

    Damaged lines raise `UserError`.
    """
    path = folder / _FILE
    check(path, f"The steps of run {folder.name}")
    if not path.exists():
        return []
    with damaged_becomes(f"The steps of run {folder.name} are damaged and cannot be read."):
        return [_RECORD.validate_json(line) for line in path.read_bytes().split(b"\n")[:-1]]


def replace_steps(folder: Path, records: Iterable[StepRecord]) -> None:
    """Replace the steps of an earlier attempt by those that stay."""
    with atomic_write(folder / _FILE) as half:
        half.write_text("".join(map(_line, records)), encoding="utf-8")
