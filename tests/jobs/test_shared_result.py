"""Thirty who ask for the same share one calculation, and each has the result under a run of their own."""

import os
import shutil
from pathlib import Path

import pytest

from tests.finished import FinishedRun
from unlearn_core.jobs.carry_out import run_forget
from unlearn_core.store.rows import Run, RunState
from unlearn_core.store.runs import Store

ANNA, BEN = "a" * 16, "b" * 16


def asked_by(visitor: str, finished_run: FinishedRun, store: Store, seed: int = 0) -> Run:
    request = finished_run.store.get(finished_run.run_id).parsed_request()
    run = store.create(request.model_copy(update={"seed": seed, "max_steps": 2}), visitor=visitor)
    run_forget(store, run.id)
    return store.get(run.id)


def inode(store: Store, run: Run) -> int:
    return (store.folder(run.id) / "weights.safetensors").stat().st_ino


def test_the_same_is_calculated_once_and_deleting_one_leaves_the_other(
    store: Store, finished_run: FinishedRun
) -> None:
    first, second = (asked_by(visitor, finished_run, store) for visitor in (ANNA, BEN))
    assert first.id != second.id
    assert (second.state, second.visitor) == (RunState.DONE, BEN)
    assert inode(store, first) == inode(store, second)
    results = [run.parsed_result() for run in (first, second)]
    assert results[0] is not None
    assert results[1] == results[0].model_copy(update={"run": second.id})
    assert store.steps(first.id) == store.steps(second.id)
    store.delete(first.id)
    assert (store.folder(second.id) / "snapshots" / "0.npz").exists()
    assert second.id in [run.id for run in store.runs(BEN)]


def test_what_an_interrupted_attempt_left_is_replaced(store: Store, finished_run: FinishedRun) -> None:
    first = asked_by(ANNA, finished_run, store)
    again = store.create(first.parsed_request(), visitor=BEN)
    shutil.copytree(store.folder(first.id) / "snapshots", store.folder(again.id) / "snapshots")
    shutil.copyfile(store.folder(first.id) / "checksums.json", store.folder(again.id) / "checksums.json")
    for left in ("steps.jsonl", "at_work"):
        (store.folder(again.id) / left).touch()
    run_forget(store, again.id)
    assert store.get(again.id).state == RunState.DONE
    assert store.steps(again.id) == store.steps(first.id)
    assert inode(store, store.get(again.id)) == inode(store, first)


def test_another_seed_or_nobody_in_particular_is_calculated(store: Store, finished_run: FinishedRun) -> None:
    first = asked_by(ANNA, finished_run, store)
    for visitor, seed in ((BEN, 1), ("", 0)):
        assert inode(store, asked_by(visitor, finished_run, store, seed)) != inode(store, first)


def test_a_result_that_cannot_be_shared_is_calculated(
    store: Store, finished_run: FinishedRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = asked_by(ANNA, finished_run, store)
    link, links = os.link, 0

    def twice(source: str | Path, target: str | Path) -> None:
        nonlocal links
        links += 1
        if links == 3:
            raise FileNotFoundError(2, "No such file or directory")
        link(source, target)

    monkeypatch.setattr(os, "link", twice)
    second = asked_by(BEN, finished_run, store)
    assert links >= 3
    assert second.state == RunState.DONE
    predictions = [[step.predictions for step in store.steps(run.id)] for run in (first, second)]
    assert predictions[0] == predictions[1]
    files = [path for path in store.folder(second.id).rglob("*") if path.is_file()]
    assert {path.stat().st_nlink for path in files} == {1}
