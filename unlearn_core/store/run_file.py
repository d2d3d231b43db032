"""`run.json` in the folder of a run: all that its row holds, to make the row anew if the database is lost."""

import json
import logging
import os
import shutil
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from unlearn_core.common.checksums import check_all, delete_checksums, write_checksums
from unlearn_core.common.damaged import DAMAGED
from unlearn_core.common.files import atomic_write
from unlearn_core.errors import UserError
from unlearn_core.store.rows import Run, RunState

RUN_FILE = "run.json"
CHECKPOINT = "checkpoint.safetensors"
"""The state of a run under way, until it has ended."""
FINISHED = (
    "steps.jsonl",
    "look_alikes.npz",
    "picture_files.npz",
    "predictions.npz",
    "weight_maps.npz",
    "start.safetensors",
    "weights.safetensors",
)
"""Files that do not change any more once a run has its result."""
PROGRESS = {"phase", "phase_share", "phase_total", "steps_done", "cancel_requested"}
"""Columns that change all the time while a run is under way, for which the file is not written again."""

_log = logging.getLogger(__name__)


def write_run_file(folder: Path, run: Run) -> None:
    """Write the row into the folder of its run, if that is there.

    What cannot be written is only logged: the file counts only where the database is lost.
    """
    if not folder.is_dir():
        return
    row = run.model_dump(mode="json", exclude={"checksum"}) | {"checksum": run.sum()}
    try:
        with atomic_write(folder / RUN_FILE) as half:
            half.write_text(json.dumps(row, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        _log.warning("%s of run %s could not be written: %s", RUN_FILE, run.id, error.strerror)


def has_run_file(folder: Path) -> bool:
    """Return whether the folder has the file; one that may not be entered has none."""
    return os.access(folder / RUN_FILE, os.F_OK)


def remove_folder(folder: Path) -> None:
    """Remove the folder of a run; what must stay, such as files in use, is only logged."""
    # First the file from which the row would be made anew.
    with suppress(OSError):
        (folder / RUN_FILE).unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        _log.warning("Files of run %s could not be removed: %s", folder.name, folder)


def check_folder(folder: Path) -> None:
    """Raise `UserError` if the folder of a run is missing."""
    if not folder.is_dir():
        raise UserError(f"The folder of run {folder.name} is missing: delete the run, and run it again.")


def check_run_files(folder: Path) -> None:
    """Raise `UserError` if files of a finished run are damaged or missing."""
    check_folder(folder)
    for one in (folder, folder / "snapshots"):
        check_all(one, f"The files of run {folder.name}")


def write_run_checksums(folder: Path) -> None:
    """Write the checksums of the files with which a run ended."""
    write_checksums(folder, FINISHED)
    snapshots = folder / "snapshots"
    if snapshots.is_dir():
        write_checksums(snapshots, sorted(path.name for path in snapshots.glob("*.npz")))


def delete_run_checksums(folder: Path) -> None:
    """Remove checksums that an attempt to take over the files of another run has left."""
    for one in (folder, folder / "snapshots"):
        delete_checksums(one)


def read_run_file(folder: Path) -> Run:
    """Return the row of a folder's run; one that is damaged if it cannot be read from there."""
    with suppress(*DAMAGED, TypeError):
        run = Run.model_validate(json.loads((folder / RUN_FILE).read_bytes()))
        if run.id == folder.name and run.checksum == run.sum():
            return run
    made = datetime.fromtimestamp(folder.stat().st_mtime, UTC)
    state = RunState.FAILED  # It is not under way.
    return Run(id=folder.name, name=folder.name, state=state, created=made, request="", owner="")
