from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.made import result
from tests.run_folder import write_predictions
from unlearn_core.artifacts.predictions import EARLIER, RETAIN, read_comparison, transitions
from unlearn_core.errors import UserError
from unlearn_core.store.compare_runs import GroupShares, compare, mutual_agreement
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.rows import Run, RunState
from unlearn_core.store.runs import Store


def done(store: Store, **differs: object) -> Run:
    run = store.create(ForgetRequest())
    write_predictions(store.folder(run.id))
    store.finish(run.id, RunState.DONE, result=result(**differs))
    return store.get(run.id)


def test_two_runs_side_by_side(store: Store) -> None:
    runs = [done(store), done(store, method="adv")]
    found = compare(store, [run.id for run in runs])
    assert [line.run for line in found.runs] == [run.id for run in runs]
    assert found.runs[0].accuracy == GroupShares(forget=50.0, retain=50.0, test=50.0)
    assert found.runs[1].method == "adv"
    assert found.agreement == [[100.0, 100.0], [100.0, 100.0]]


def test_runs_of_different_pictures_have_no_mutual_agreement(store: Store) -> None:
    runs = [done(store), done(store, images="photos")]
    assert compare(store, [run.id for run in runs]).agreement is None


def test_what_cannot_be_compared_is_one_sentence(store: Store) -> None:
    run = done(store)
    with pytest.raises(UserError, match="Choose 2 to 6"):
        compare(store, [run.id, run.id])
    with pytest.raises(UserError, match="There is no run"):
        compare(store, [run.id, "00000000"])
    with pytest.raises(UserError, match="has no result"):
        compare(store, [run.id, store.create(ForgetRequest()).id])


def test_agreement_leaves_out_what_either_was_to_forget(tmp_path: Path) -> None:
    """Pictures 100 and 101 are forgotten in both; of the eight others two differ."""
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        write_predictions(tmp_path / name)
    one, other = (read_comparison(tmp_path / name) for name in ("one", "other"))
    other.after[[0, 1, 4, 5]] = 9
    found = mutual_agreement([one, other], [None, None])
    np.testing.assert_allclose(found, [[100, 75], [75, 100]])
    # Had an earlier run forgotten one of the two, seven would be left.
    one.group[4] = EARLIER
    assert mutual_agreement([one, other], [None, None])[0, 1] == round(600 / 7, 3)


def test_a_second_image_set_agrees_only_with_itself(tmp_path: Path) -> None:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        write_predictions(tmp_path / name)
    one, other = (read_comparison(tmp_path / name) for name in ("one", "other"))
    for comparison in (one, other):
        comparison.image_set[[2, 3]] = 1
    other.after[2] = 9
    assert mutual_agreement([one, other], ["photos", "photos"])[0, 1] == 87.5
    assert mutual_agreement([one, other], ["photos", "others"])[0, 1] == 100


def test_transitions_counted_by_hand(tmp_path: Path) -> None:
    write_predictions(tmp_path)
    found = transitions(read_comparison(tmp_path), RETAIN)
    pairs = dict(
        zip(zip(found.before.tolist(), found.after.tolist(), strict=True), found.counts, strict=True)
    )
    assert pairs == {(0, 0): 2, (1, 1): 1, (2, 1): 1, (2, 2): 1}
    assert found.classes.tolist() == [0, 1, 2]
    only = transitions(read_comparison(tmp_path), RETAIN, most_classes=2)
    assert set(only.classes.tolist()) == {1, 2}
    assert int(only.counts.sum()) == 3
    same = replace(read_comparison(tmp_path), after=read_comparison(tmp_path).before)
    assert transitions(same, RETAIN, most_classes=1).counts.sum() > 0


def test_runs_with_no_measured_picture_in_common_have_no_agreement(store: Store) -> None:
    runs = [done(store), done(store)]
    path = store.folder(runs[1].id) / "predictions.npz"
    with np.load(path) as arrays:
        other = dict(arrays)
    np.savez_compressed(path, **{**other, "ids": other["ids"] + 1000})
    assert compare(store, [run.id for run in runs]).agreement == [[100.0, None], [None, 100.0]]
