"""Room on the disk: it is checked before a run, and what is there stays sound when there is none left."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.finished import FinishedRun
from tests.quick import QUICK
from unlearn_core.errors import UserError
from unlearn_core.forgetting.step import Step
from unlearn_core.jobs.carry_out import run_forget
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.room import needed_megabytes
from unlearn_core.store.rows import RunState
from unlearn_core.store.runs import Store

REQUEST = ForgetRequest(pick="hardest:2", options=QUICK)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of 128 MB, where the system lets these tests."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root can mount a disk")
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128m", "tmpfs", disk], capture_output=True)
    if mounted.returncode:
        pytest.skip("a container without the right to mount")
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


def fill(disk: Path) -> Path:
    """Write until nothing more can be written; return the file."""
    path = disk / "others"
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(1 << 20))
    return path


def test_a_run_that_may_not_fit_is_refused_with_the_figures(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unlearn_core.store.room.COPIES", 10**9)
    with pytest.raises(UserError, match=r"^This may need [\d,]{9,} MB on the disk, but [\d,]+ MB are free: "):
        store.create(REQUEST)
    assert store.runs() == []
    assert list((store.root / "runs").iterdir()) == []


def test_the_estimate_is_more_than_a_run_writes_but_not_a_hundred_times(finished_run: FinishedRun) -> None:
    folder = finished_run.store.folder(finished_run.run_id)
    written = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6
    assert written < needed_megabytes(REQUEST) < 100 * written


def test_a_disk_that_fills_up_ends_the_run_with_a_sentence(small_disk: Path) -> None:
    store = Store(small_disk / "home")
    kept = store.create(REQUEST, "kept")
    store.finish(kept.id, RunState.CANCELLED)
    run = store.create(REQUEST)
    others: list[Path] = []

    def fill_up(step: Step) -> None:
        if step.step == 1:
            others.append(fill(small_disk))

    with pytest.raises(UserError, match=r"could not be saved|cannot be written") as said:
        run_forget(store, run.id, fill_up)
    # As the engine does for a worker that could not.
    store.end(run.id, RunState.FAILED, str(said.value))
    assert store.get(run.id).state == RunState.FAILED
    assert [one.name for one in store.runs()][-1] == "kept"
    with pytest.raises(UserError, match="MB are free"):
        store.create(REQUEST)
    store.delete(run.id)
    others[0].unlink()
    assert [one.id for one in Store(store.root).runs()] == [kept.id]
    again = store.create(REQUEST)
    run_forget(store, again.id)
    assert store.get(again.id).state == RunState.DONE
