"""The short form of `benchmarks.damaged`: each target in each manner, as what reads it sees it."""

import numpy as np
import pytest

from benchmarks.damaged import COLUMNS, FILES, MANNERS, REQUEST, TARGETS, damage
from tests.finished import FinishedRun
from unlearn_core.artifacts.image_table import read_image_table
from unlearn_core.artifacts.predictions import read_comparison
from unlearn_core.catalog.classifiers import load_classifier
from unlearn_core.errors import UserError
from unlearn_core.measuring.known_image_table import write_known_image_table
from unlearn_core.store.rows import RunState
from unlearn_core.store.run_file import check_run_files
from unlearn_core.store.runs import Store
from unlearn_core.store.snapshots import read_snapshots


def read_all(store: Store, run_id: str) -> None:
    """Read a run as the pages and the workers do; damage raises `UserError`."""
    folder, run = store.folder(run_id), store.get(run_id)
    assert run.parsed_request().pick
    assert run.parsed_result() is not None
    assert store.steps(run_id)
    assert len(read_comparison(folder).ids)
    classifier = load_classifier(REQUEST.classifier)
    start = {name: tensor.clone() for name, tensor in classifier.module.state_dict().items()}
    classifier.load_weights(folder / "weights.safetensors")
    assert list(read_snapshots(folder / "snapshots", start))
    check_run_files(folder)


@pytest.mark.parametrize("manner", MANNERS)
@pytest.mark.parametrize("target", TARGETS)
def test_what_is_damaged_says_so_and_nothing_else_is_touched(
    store: Store, finished_run: FinishedRun, target: str, manner: str
) -> None:
    run, other = finished_run.copy_to(store, "damaged"), finished_run.copy_to(store, "whole")
    before = {one.id: one for one in store.runs()}
    table = write_known_image_table(store.root, REQUEST.classifier, REQUEST.images)
    assert table is not None
    pictures = read_image_table(table)
    store._sql.dispose()
    damage(store.root, run.id, target, manner)
    store = Store(store.root)
    if (target, manner) == ("database", "flipped") and RunState.DAMAGED in [
        one.state for one in store.runs()
    ]:
        # The byte is in a row.
        other, run = sorted((run, other), key=lambda one: store.get(one.id).state == RunState.DAMAGED)
        target = "request"
    read_all(store, other.id)
    if target == "image table":
        assert write_known_image_table(store.root, REQUEST.classifier, REQUEST.images) == table
        np.testing.assert_array_equal(read_image_table(table).predictions, pictures.predictions)
    if target in ("database", "image table") or (target in COLUMNS and store.get(run.id).result):
        # A lost row is back from the folder of its run.
        assert {one.id: one for one in store.runs()} == before
        read_all(store, run.id)
        return
    with pytest.raises(UserError, match=rf"{run.id}|weights\.safetensors"):
        read_all(store, run.id)
    if target in FILES:
        with pytest.raises(UserError, match=f"files of run {run.id} .*(damaged|missing|cannot be read)"):
            check_run_files(store.folder(run.id))
    else:
        assert store.get(run.id).state == RunState.DAMAGED
    store.delete(run.id)
    assert [one.id for one in Store(store.root).runs()] == [other.id]
