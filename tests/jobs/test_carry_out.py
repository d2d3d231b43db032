"""One run in this process: what is kept, and what a full disk or a cancel leaves."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.torch import load_file

from tests import made
from tests.finished import FinishedRun
from tests.quick import QUICK
from unlearn_core.artifacts import shipped_predictions
from unlearn_core.artifacts.look_alikes import read_look_alikes
from unlearn_core.artifacts.results import Accuracy
from unlearn_core.errors import UserError
from unlearn_core.forgetting.methods.anchor import SHOWN
from unlearn_core.forgetting.step import Step
from unlearn_core.jobs.carry_out import run_forget
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.rows import RunState
from unlearn_core.store.runs import Store
from unlearn_core.store.snapshots import read_snapshots


def test_everything_of_a_run_is_kept_as_the_architecture_says(finished_run: FinishedRun) -> None:
    store, run_id = finished_run.store, finished_run.run_id
    folder = store.folder(run_id)
    result = store.get(run_id).parsed_result()
    assert result is not None
    with np.load(folder / "predictions.npz") as kept:
        assert len(kept["ids"]) == 5000
        assert np.bincount(kept["group"]).tolist() == [2, 3998, 1000]
        forgotten = kept["group"] == 0
        assert (kept["after"][forgotten] != kept["labels"][forgotten]).all()
        agreement = 100 * (kept["before"] == kept["after"])[kept["group"] == 1].mean()
        assert result.agreement.retain == pytest.approx(agreement, abs=1e-3)
    with np.load(folder / "weight_maps.npz") as maps:
        assert len(maps["layers"]) == 14
        for number, _ in enumerate(maps["layers"]):
            assert maps[f"importance_{number}"].shape == maps[f"change_{number}"].shape
            assert maps[f"importance_{number}"].min() >= 0
            assert maps[f"importance_{number}"].max() <= 1
        assert any(maps[f"change_{number}"].max() > 0 for number in range(len(maps["layers"])))
    steps = store.steps(run_id)
    assert len(steps) == result.steps + 1
    order = {picture: place for place, picture in enumerate(result.ids)}
    with np.load(folder / "predictions.npz") as kept:
        own = np.flatnonzero(kept["group"] == 0)
        for place in own:
            row = order[int(kept["ids"][place])]
            for step, when in ((steps[0], "before"), (steps[-1], "after")):
                assert step.predictions[row] == kept[when][place]
                assert step.confidences[row] == pytest.approx(kept[f"{when}_top"][place], abs=2e-4)
                assert step.label_confidences[row] == pytest.approx(
                    kept[f"{when}_confidences"][place], abs=2e-4
                )
    alike = read_look_alikes(folder)
    assert alike is not None
    assert alike.shape == (SHOWN, 28, 28, 1)
    assert len({picture.tobytes() for picture in alike}) == SHOWN
    assert store.get(run_id).phase_total == 0
    snapshots = {int(path.stem) for path in (folder / "snapshots").glob("*.npz")}
    assert {0, result.steps} <= snapshots
    assert not list(folder.rglob("*.pkl"))


def test_the_last_snapshot_leads_from_the_original_to_the_weights(finished_run: FinishedRun) -> None:
    from unlearn_core.catalog.classifiers import WEIGHTS

    folder = finished_run.store.folder(finished_run.run_id)
    before, after = load_file(WEIGHTS / "mnist-resnet.safetensors"), load_file(folder / "weights.safetensors")
    *_, (_, last) = read_snapshots(folder / "snapshots", before)
    for name, tensor in after.items():
        moved = (tensor - before[name]).float().norm()
        assert (last[name] - tensor).float().norm() <= 0.2 * moved + 1e-6, name


def test_photos_without_labels_are_measured_by_agreement(store: Store) -> None:
    request = ForgetRequest(classifier="imagenet-efficientnet-lite0", images="photos", pick="ids:0")
    run = store.create(request)
    run_forget(store, run.id)
    result = store.get(run.id).parsed_result()
    assert result is not None
    assert result.accuracy.forget == Accuracy(before=100.0, after=0.0, n=1)
    assert result.accuracy.retain == Accuracy(before=None, after=None, n=0)
    assert result.agreement.retain is not None
    assert result.agreement.retain >= 90
    assert result.agreement.test is None


def test_a_run_cancelled_before_it_began_changes_nothing(store: Store) -> None:
    run = store.create(ForgetRequest())
    store.request_cancel(run.id)
    run_forget(store, run.id)
    assert store.get(run.id).state == RunState.CANCELLED
    assert not (store.folder(run.id) / "weights.safetensors").exists()


def test_a_run_may_be_cancelled_while_the_classifier_is_measured(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipped_predictions, "SHIPPED", tmp_path)
    run = store.create(ForgetRequest())
    shares = []

    def update(run_id: str, **fields: Any) -> None:
        Store.update(store, run_id, **fields)
        shares.extend([fields["phase_share"]] if "phase_share" in fields else [])
        if fields.get("phase_share", 0) > 0.3:
            Store.update(store, run_id, cancel_requested=True)

    monkeypatch.setattr(store, "update", update)
    run_forget(store, run.id)
    assert store.get(run.id).state == RunState.CANCELLED
    assert store.get(run.id).parsed_result() is None
    assert shares == sorted(shares)
    assert 0.3 < shares[-1] < 0.9


def test_a_finished_run_is_not_carried_out_again(store: Store) -> None:
    run = store.create(ForgetRequest())
    store.finish(run.id, RunState.DONE, result=made.result(steps=7))
    run_forget(store, run.id)
    assert store.get(run.id).parsed_result() == made.result(steps=7)


def test_a_folder_that_cannot_be_written_fails_with_one_sentence(store: Store) -> None:
    run = store.create(ForgetRequest(pick="hardest:1"))
    shutil.rmtree(store.folder(run.id))
    Path(store.folder(run.id)).write_text("in the way", encoding="utf-8")
    with pytest.raises(UserError):
        run_forget(store, run.id)
    failed = store.get(run.id)
    assert failed.state == RunState.FAILED
    assert failed.error is not None
    assert failed.error.startswith("The run could not be saved")
    assert json.loads(failed.request)["pick"] == "hardest:1"


def assert_kept_is_the_same(store: Store, whole: str, part: str) -> None:
    """Keep a part of the way of `whole`: it is what `part` found by running again."""
    kept = store.create(store.get(part).parsed_request()).id
    seen: list[Step] = []
    run_forget(store, kept, seen.append, found_by=whole)
    assert not seen
    weights = [load_file(store.folder(one) / "weights.safetensors") for one in (part, kept)]
    for name, tensor in weights[0].items():
        np.testing.assert_allclose(tensor, weights[1][name], atol=1e-6)
    results = [store.get(one).parsed_result() for one in (part, kept)]
    assert results[0] is not None
    assert results[1] is not None
    assert results[0].remarks == results[1].remarks
    changing = {"run", "seconds"}
    assert results[0].model_dump(exclude=changing) == results[1].model_dump(exclude=changing)
    steps = [[(one.step, one.forgotten) for one in store.steps(run)] for run in (whole, kept)]
    assert steps[0] == steps[1]
    snapshots = [sorted((store.folder(run) / "snapshots").glob("*.npz")) for run in (whole, kept)]
    assert [one.read_bytes() for one in snapshots[0]] == [one.read_bytes() for one in snapshots[1]]


def test_a_part_of_a_run_that_has_no_classifier_cannot_be_kept(store: Store) -> None:
    whole, kept = store.create(ForgetRequest()), store.create(ForgetRequest(strength=0.5))
    with pytest.raises(UserError, match=f"Run {whole.id} has no classifier"):
        run_forget(store, kept.id, found_by=whole.id)
    assert store.get(kept.id).state == RunState.FAILED


def test_a_run_that_goes_part_of_the_way_lies_on_the_line(store: Store) -> None:
    whole, part = (
        store.create(ForgetRequest(pick="class:3:2", options=QUICK, strength=strength))
        for strength in (1.0, 0.25)
    )
    for run in (whole, part):
        run_forget(store, run.id)
    from unlearn_core.catalog.classifiers import WEIGHTS

    before = load_file(WEIGHTS / "mnist-resnet.safetensors")
    all_the_way, a_quarter = (
        load_file(store.folder(run.id) / "weights.safetensors") for run in (whole, part)
    )
    for name, tensor in before.items():
        if tensor.is_floating_point():
            expected = tensor + 0.25 * (all_the_way[name] - tensor)
            np.testing.assert_allclose(a_quarter[name], expected, atol=1e-6)
    result = store.get(part.id).parsed_result()
    assert result is not None
    assert_kept_is_the_same(store, whole.id, part.id)
    assert "The weights went 25% of the way that the method found." in result.remarks
    assert any("All forgotten pictures are of one class, 3" in remark for remark in result.remarks)
