"""Files that are added to a folder move the ids of its pictures: nothing of a run is shown of other ones."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.quick import QUICK
from unlearn_core.artifacts.picture_files import check_picture_files
from unlearn_core.catalog.classifiers import load_classifier
from unlearn_core.catalog.image_sets import load_images
from unlearn_core.errors import UserError
from unlearn_core.jobs.carry_out import run_forget
from unlearn_core.measuring.finished_run import load_finished_run
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.rows import RunState
from unlearn_core.store.run_origin import copy_picture_files
from unlearn_core.store.runs import Store

CHANGED = "picture 0 is another file now"


@pytest.fixture
def digits(tmp_path: Path) -> Path:
    """Return a folder with four digits of each of two classes."""
    shipped = load_images("mnist", load_classifier("mnist-resnet"))
    for digit in (3, 7):
        (tmp_path / "digits" / str(digit)).mkdir(parents=True)
        for number, place in enumerate(np.flatnonzero(shipped.labels == digit)[:4]):
            picture = Image.fromarray(shipped.pixels[place, :, :, 0])
            picture.save(tmp_path / "digits" / str(digit) / f"n{number}.png")
    return tmp_path / "digits"


def request_for(folder: Path, **differs: object) -> ForgetRequest:
    fields = {"images": f"folder:{folder}", "pick": "ids:0", "options": QUICK, "max_steps": 3}
    return ForgetRequest.parse(**fields | differs)


def add_in_front(folder: Path) -> None:
    (folder / "3" / "a.png").write_bytes((folder / "7" / "n0.png").read_bytes())


def test_files_behind_the_others_change_nothing(store: Store, digits: Path) -> None:
    run_id = store.create(request_for(digits)).id
    run_forget(store, run_id)
    (digits / "7" / "z.png").write_bytes((digits / "3" / "n0.png").read_bytes())
    assert len(load_finished_run(store.root, run_id).images.ids) == 9


def test_a_run_is_not_shown_with_other_pictures(store: Store, digits: Path) -> None:
    run_id = store.create(request_for(digits)).id
    run_forget(store, run_id)
    add_in_front(digits)
    with pytest.raises(UserError, match=CHANGED):
        load_finished_run(store.root, run_id)


@pytest.mark.parametrize("how", ["again", "after"])
def test_a_run_that_rests_on_another_does_not_forget_other_pictures(
    store: Store, digits: Path, how: str
) -> None:
    first = store.create(request_for(digits)).id
    run_forget(store, first)
    add_in_front(digits)
    second = store.create(
        request_for(digits, **({"after": first, "pick": "ids:2"} if how == "after" else {}))
    ).id
    if how == "again":
        copy_picture_files(store.folder(first), store.folder(second))
    with pytest.raises(UserError, match=CHANGED):
        run_forget(store, second)
    failed = store.get(second)
    assert failed.state == RunState.FAILED
    assert failed.error is not None
    assert CHANGED in failed.error


def test_sets_without_files_and_runs_of_earlier_versions_are_not_asked(store: Store, tmp_path: Path) -> None:
    run_id = store.create(ForgetRequest(pick="ids:0", options=dict(QUICK), max_steps=1)).id
    run_forget(store, run_id)
    assert not (store.folder(run_id) / "picture_files.npz").exists()
    check_picture_files(tmp_path, "folder:x", np.arange(2), ("a.png", "b.png"))


def test_a_damaged_list_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "picture_files.npz").write_bytes(b"nothing")
    with pytest.raises(UserError, match=r"^The list of files of run .* is damaged and cannot be read\.$"):
        check_picture_files(tmp_path, "folder:x", np.arange(1), ("a.png",))
