"""What is prepared while a person still picks: used once, and with the same result as without."""

import gc
import weakref
from pathlib import Path

import pytest
from PIL import Image
from safetensors.torch import load_file

from tests.finished import result_of
from tests.quick import QUICK
from unlearn_core.artifacts.look_alikes import read_look_alikes
from unlearn_core.catalog.classifiers import load_classifier
from unlearn_core.catalog.image_sets import load_images
from unlearn_core.errors import UserError
from unlearn_core.forgetting.methods.anchor_pictures import AnchorMaker
from unlearn_core.jobs import prepared
from unlearn_core.jobs.carry_out import run_forget
from unlearn_core.jobs.prepare_ahead import prepare_ahead
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.rows import RunState
from unlearn_core.store.runs import Store

REQUEST = ForgetRequest.parse(images="mnist", pick="ids:11,4890", options={"depth": 0, "deformed": 64})
VIEWS = ForgetRequest.parse(
    images="mnist", pick="ids:11,4890", options={"depth": 1, "deformed": 64}, max_steps=9
)
RELABEL = ForgetRequest.parse(
    images="mnist",
    pick="ids:11,4890",
    goal="relabel",
    new_labels={11: 8},
    options={"deformed": 64},
    max_steps=9,
)
PHOTO = ForgetRequest.parse(
    classifier="imagenet-efficientnet-lite0", images="photos", pick="ids:0", max_steps=2
)


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    prepared.take(lambda: "")


def carried_out(store: Store, request: ForgetRequest) -> str:
    run = store.create(request)
    run_forget(store, run.id)
    return run.id


def no_look_alikes(self: AnchorMaker) -> None:
    raise AssertionError("They are made again.")


@pytest.mark.parametrize(
    "request_", [REQUEST, VIEWS, RELABEL, PHOTO], ids=["enough", "firm", "relabel", "photo"]
)
def test_a_run_ends_the_same_with_what_was_prepared(
    request_: ForgetRequest, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = carried_out(store, request_)
    made = prepare_ahead(store, request_)
    with monkeypatch.context() as patch:
        patch.setattr(AnchorMaker, "make", no_look_alikes)
        sooner = carried_out(store, request_)
    again = carried_out(store, request_)
    same = {"seconds", "run"}
    results = [result_of(store, run).model_dump(exclude=same) for run in (alone, sooner, again)]
    assert results[0] == results[1] == results[2]
    weights = [load_file(store.folder(run) / "weights.safetensors") for run in (alone, sooner)]
    assert all((weights[0][name] == weights[1][name]).all() for name in weights[0])
    shown = read_look_alikes(store.folder(alone))
    assert made is not None
    assert shown is not None
    assert (made.pictures == shown).all()
    assert made.total > len(shown)
    seconds = result_of(store, sooner).seconds
    assert seconds.attack > 0
    parts = seconds.load + seconds.attack + seconds.importance + seconds.optimise + seconds.measure
    assert seconds.total >= parts - 0.01


def test_another_request_does_not_get_it(store: Store) -> None:
    alone = carried_out(store, REQUEST)
    prepare_ahead(store, ForgetRequest.parse(**{**REQUEST.model_dump(), "seed": 1}))
    other = carried_out(store, REQUEST)
    assert result_of(store, alone).accuracy == result_of(store, other).accuracy
    assert result_of(store, alone).steps == result_of(store, other).steps
    assert not prepared._last


def draw(folder: Path, place: int) -> None:
    """Write a shipped digit as the picture with the id 0 of a folder."""
    shipped = load_images("mnist", load_classifier("mnist-resnet"))
    Image.fromarray(shipped.pixels[place, :, :, 0]).save(folder / "3" / "0.png")


@pytest.fixture
def folder(store: Store, tmp_path: Path) -> Path:
    """Return a folder of two digits whose predictions are known."""
    found = tmp_path / "digits"
    (found / "3").mkdir(parents=True)
    draw(found, 1)
    (found / "3" / "0.png").rename(found / "3" / "1.png")
    draw(found, 0)
    carried_out(store, in_folder(found))
    return found


def in_folder(folder: Path) -> ForgetRequest:
    return ForgetRequest.parse(images=f"folder:{folder}", pick="ids:0", options=QUICK, max_steps=3)


def test_other_pictures_in_the_same_folder_do_not_get_it(store: Store, folder: Path) -> None:
    request = in_folder(folder)
    assert prepare_ahead(store, request) is not None
    draw(folder, 2)
    changed, alone = carried_out(store, request), carried_out(store, request)
    weights = [load_file(store.folder(run) / "weights.safetensors") for run in (changed, alone)]
    assert all((weights[0][name] == weights[1][name]).all() for name in weights[0])


def test_pictures_that_change_meanwhile_are_not_prepared(store: Store, folder: Path) -> None:
    def change() -> str:
        draw(folder, 2)
        return ""

    assert prepare_ahead(store, in_folder(folder), change) is None
    assert not prepared._last


def test_what_is_no_longer_wanted_ends_and_is_not_kept(store: Store) -> None:
    answers = iter(["", "", None])
    assert prepare_ahead(store, REQUEST, lambda: next(answers)) is None
    assert next(answers, "all asked") == "all asked"
    assert not prepared._last


@pytest.mark.parametrize("method", ["neggrad", "adv"])
def test_other_methods_prepare_at_their_run(method: str, store: Store) -> None:
    request = ForgetRequest.parse(images="mnist", pick="ids:11", method=method)
    assert prepare_ahead(store, request) is None
    assert not prepared._last


def test_a_large_network_is_not_held_in_memory(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = load_classifier("mnist-resnet").module.state_dict().values()
    monkeypatch.setattr("unlearn_core.jobs.prepare_ahead.MOST_BYTES", sum(one.nbytes for one in weights) - 1)
    assert prepare_ahead(store, REQUEST) is None
    assert not prepared._last


def test_what_cannot_be_prepared_says_why(store: Store) -> None:
    wrong = ForgetRequest.parse(images="mnist", pick="ids:11", goal="relabel", new_labels={12: 8})
    with pytest.raises(UserError, match="Picture 12 has a new label"):
        prepare_ahead(store, wrong)


def test_one_preparation_is_kept_at_a_time(store: Store) -> None:
    prepare_ahead(store, REQUEST)
    (first,) = prepared._last.values()
    gone = weakref.ref(first.classifier.module)
    del first
    prepare_ahead(store, RELABEL)
    gc.collect()
    assert gone() is None
    assert len(prepared._last) == 1


def test_a_run_that_waits_sees_how_far_it_is(store: Store) -> None:
    run = store.create(REQUEST)
    seen: list[tuple[str, float, int]] = []

    def waiting() -> str:
        row = store.get(run.id)
        seen.append((row.phase, row.phase_share, row.phase_total))
        return run.id

    made = prepare_ahead(store, REQUEST, waiting)
    assert made is not None
    attacks = [share for phase, share, total in seen if phase == "attack" and total == made.total]
    assert attacks == sorted(attacks)
    assert len(set(attacks)) > 1
    assert {phase for phase, _, _ in seen} == {"waiting", "measure", "attack", "importance"}


@pytest.mark.parametrize("state", [RunState.CANCELLED, None])
def test_it_ends_with_the_run_that_waits(state: RunState | None, store: Store) -> None:
    run = store.create(REQUEST)
    answers = 0

    def waiting() -> str:
        nonlocal answers
        answers += 1
        if answers == 3:
            store.finish(run.id, RunState.CANCELLED)
            if state is None:
                store.delete(run.id)
        return run.id

    assert prepare_ahead(store, REQUEST, waiting) is None
    assert answers == 3
    assert not prepared._last
