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

DIGIT = ForgetRequest.parse(images="mnist", pick="ids:11", options={"deformed": 64})
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


def draw(folder: Path, number: int, place: int) -> None:
    """Write a shipped digit as a picture of a folder."""
    shipped = load_images("mnist", load_classifier("mnist-resnet"))
    Image.fromarray(shipped.pixels[place, :, :, 0]).save(folder / "3" / f"{number}.png")


@pytest.fixture
def folder(store: Store, tmp_path: Path) -> Path:
    """Return a folder of four digits whose predictions are known."""
    found = tmp_path / "digits"
    (found / "3").mkdir(parents=True)
    for number in range(4):
        draw(found, number, number)
    carried_out(store, forget(found, options=QUICK, max_steps=1))
    return found


def forget(folder: Path, **differs: object) -> ForgetRequest:
    fields = {"images": f"folder:{folder}", "pick": "ids:0,1", "options": {"deformed": 64}, "max_steps": 9}
    return ForgetRequest.parse(**fields | differs)


def same_weights(store: Store, one: str, other: str) -> bool:
    first, second = (load_file(store.folder(run) / "weights.safetensors") for run in (one, other))
    return all((first[name] == second[name]).all() for name in first)


def ends_the_same(store: Store, request: ForgetRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Expect the same of a run that prepares itself, and of one that was prepared ahead."""
    alone = carried_out(store, request)
    made = prepare_ahead(store, request)
    with monkeypatch.context() as patch:
        patch.setattr(AnchorMaker, "make", no_look_alikes)
        sooner = carried_out(store, request)
    results = [result_of(store, run).model_dump(exclude={"seconds", "run"}) for run in (alone, sooner)]
    assert results[0] == results[1]
    assert same_weights(store, alone, sooner)
    shown = read_look_alikes(store.folder(alone))
    assert made is not None
    assert shown is not None
    assert (made.pictures == shown).all()
    assert made.total > len(shown)
    seconds = result_of(store, sooner).seconds
    assert seconds.attack > 0
    parts = seconds.load + seconds.attack + seconds.importance + seconds.optimise + seconds.measure
    assert seconds.total >= parts - 0.01


@pytest.mark.parametrize(
    "differs",
    [
        {"options": {"depth": 0, "deformed": 64}, "max_steps": 300},
        {"options": {"depth": 1, "deformed": 64}},
        {"goal": "relabel", "new_labels": {0: 8}},
    ],
    ids=["just enough", "firm", "relabel"],
)
def test_a_run_ends_the_same_with_what_was_prepared(
    differs: dict[str, object], folder: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends_the_same(store, forget(folder, **differs), monkeypatch)


@pytest.mark.slow
def test_a_photo_is_forgotten_the_same(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    ends_the_same(store, PHOTO, monkeypatch)


def test_another_request_does_not_get_it_and_nobody_later(folder: Path, store: Store) -> None:
    alone = carried_out(store, forget(folder))
    assert prepare_ahead(store, forget(folder, seed=1)) is not None
    for _ in range(2):
        assert same_weights(store, alone, carried_out(store, forget(folder)))
        assert not prepared._last


def test_other_pictures_in_the_same_folder_do_not_get_it(store: Store, folder: Path) -> None:
    request = forget(folder)
    assert prepare_ahead(store, request) is not None
    draw(folder, 0, 4)
    assert same_weights(store, carried_out(store, request), carried_out(store, request))


def test_pictures_that_change_meanwhile_are_not_prepared(store: Store, folder: Path) -> None:
    def change() -> str:
        draw(folder, 0, 4)
        return ""

    assert prepare_ahead(store, forget(folder), change) is None
    assert not prepared._last


def test_what_is_no_longer_wanted_ends_and_is_not_kept(store: Store) -> None:
    answers = iter(["", "", None])
    assert prepare_ahead(store, DIGIT, lambda: next(answers)) is None
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
    assert prepare_ahead(store, DIGIT) is None
    assert not prepared._last


def test_what_cannot_be_prepared_says_why(store: Store) -> None:
    wrong = ForgetRequest.parse(images="mnist", pick="ids:11", goal="relabel", new_labels={12: 8})
    with pytest.raises(UserError, match="Picture 12 has a new label"):
        prepare_ahead(store, wrong)


def test_one_preparation_is_kept_at_a_time(store: Store) -> None:
    prepare_ahead(store, DIGIT)
    (first,) = prepared._last.values()
    gone = weakref.ref(first.classifier.module)
    del first
    prepare_ahead(store, DIGIT.model_copy(update={"seed": 1}))
    gc.collect()
    assert gone() is None
    assert len(prepared._last) == 1


def test_a_run_that_waits_sees_how_far_it_is(store: Store) -> None:
    run = store.create(DIGIT)
    seen: list[tuple[str, float, int]] = []

    def waiting() -> str:
        row = store.get(run.id)
        seen.append((row.phase, row.phase_share, row.phase_total))
        return run.id

    made = prepare_ahead(store, DIGIT, waiting)
    assert made is not None
    attacks = [share for phase, share, total in seen if phase == "attack" and total == made.total]
    assert attacks == sorted(attacks)
    assert len(set(attacks)) > 1
    assert {phase for phase, _, _ in seen} == {"waiting", "measure", "attack", "importance"}


@pytest.mark.parametrize("state", [RunState.CANCELLED, None])
def test_it_ends_with_the_run_that_waits(state: RunState | None, store: Store) -> None:
    run = store.create(DIGIT)
    answers = 0

    def waiting() -> str:
        nonlocal answers
        answers += 1
        if answers == 3:
            store.finish(run.id, RunState.CANCELLED)
            if state is None:
                store.delete(run.id)
        return run.id

    assert prepare_ahead(store, DIGIT, waiting) is None
    assert answers == 3
    assert not prepared._last
