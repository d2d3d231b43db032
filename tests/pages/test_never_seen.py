"""What classifiers say that never saw the pictures, on Forget and Before / after."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pages.shared.metric_cards import if_never_seen
from pages.shared.words import plain
from tests.finished import FinishedRun
from tests.made import write_reference
from tests.pages.conftest import OpenApp
from tests.pages.words_of import words_of
from unlearn_core.artifacts.never_seen import own_folder
from unlearn_core.artifacts.predictions import FORGET, TEST, Comparison, read_comparison
from unlearn_core.store.runs import Store

BEFORE_AFTER = "pages/before_after/before_after.py"
HARD = [7, 800, 2100]
"""Digits that the classifier recognises."""

Unrecognised = Callable[[list[int]], None]


@pytest.fixture
def comparison(finished_run: FinishedRun) -> Comparison:
    return read_comparison(finished_run.store.folder(finished_run.run_id))


@pytest.fixture
def reference(comparison: Comparison, own_home: Path) -> Iterator[Unrecognised]:
    """Write what two classifiers say of all training digits; one of them does not recognise some."""
    train = comparison.group != TEST

    def write(ids: list[int]) -> None:
        write_reference(comparison.ids[train], comparison.labels[train], ids)

    yield write
    for path in own_folder().iterdir():
        path.unlink()


def pick(app: object, kind: str, count: int) -> list[int]:
    """Press a quick pick; return what is picked."""
    app.number_input(key="quick_count").set_value(count)  # type: ignore[attr-defined]
    app.button(key=f"quick_{kind}").click().run()  # type: ignore[attr-defined]
    return sorted(app.session_state["picked"])  # type: ignore[attr-defined]


def test_any_pick_is_judged_before_it_is_forgotten(open_app: OpenApp, reference: Unrecognised) -> None:
    reference(HARD)
    app = open_app()
    assert "If never trained on" not in words_of(app)
    assert pick(app, "memorised", 3) == HARD
    alone = "If never trained on: classifiers trained without these 3 pictures recognise 50% of them"
    assert f"{alone} (2 classifiers for each picture)." in words_of(app)
    assert pick(app, "memorised", 1)[0] in HARD
    assert "If never trained on: 1 of 2 classifiers trained without this picture recognise it." in words_of(
        app
    )
    pick(app, "memorised", 6)
    assert "without these 6 pictures recognise 75% of them" in words_of(app)
    app.selectbox(key="sort").set_value("memorisation").run()
    assert pick(app, "first", 3) == HARD
    # What is written while the server runs counts at once.
    reference([HARD[0]])
    app.run()
    assert "without these 3 pictures recognise 83.3% of them" in words_of(app)


def test_nothing_is_said_or_offered_where_nothing_is_known(open_app: OpenApp, tmp_path: Path) -> None:
    for name in "01":
        (tmp_path / name).mkdir()
        Image.fromarray(np.full((28, 28), 90, np.uint8)).save(tmp_path / name / "1.png")
    app = open_app()
    app.selectbox(key="images").set_value("folder").run()
    app.text_input(key="path").set_value(str(tmp_path)).run()
    assert pick(app, "hardest", 1)
    assert "quick_memorised" not in {button.key for button in app.button}
    assert "If never trained on" not in words_of(app)


def test_a_damaged_reference_is_one_sentence_and_the_pages_stay(
    open_app: OpenApp, store: Store, finished_run: FinishedRun, reference: Unrecognised
) -> None:
    reference([])
    (path,) = own_folder().iterdir()
    path.write_bytes(b"no archive")
    for app in (open_app(), open_app(BEFORE_AFTER, finished_run.copy_to(store).id)):
        (error,) = app.error
        assert error.value.startswith(plain(f"The file `never_seen/{path.name}` is damaged"))
    assert "quick_memorised" not in {button.key for button in app.button}
    assert [metric.label[:6] for metric in app.metric] == ["To for", "Kept (", "Never "]


def test_before_after_and_never_seen_stand_beside_each_other(
    open_app: OpenApp,
    store: Store,
    finished_run: FinishedRun,
    comparison: Comparison,
    reference: Unrecognised,
) -> None:
    run = finished_run.copy_to(store)
    forgotten = comparison.ids[comparison.in_group(FORGET)].tolist()
    reference(forgotten[:1])
    app = open_app(BEFORE_AFTER, run.id)
    forget, unseen = app.metric[:2]
    assert (forget.value, unseen.label, unseen.value) == ("50 → 0", "If never trained on", "75")
    assert unseen.delta == "2 classifiers each"
    pictures = json.loads(app.get("bidi_component")[0].proto.json)["pictures"]
    without = sorted(one["small"].partition("without:")[2] for one in pictures)
    assert without == ["\u00a01\u00a0of\u00a02", "\u00a02\u00a0of\u00a02"]
    app.pills(key="look").set_value("unseen").run()
    assert not app.exception
    assert "Confidence in the label of each forgotten picture" in words_of(app)
    # Of a picture that is missing in the reference nothing is said; the chosen chart gives way to another.
    own = comparison.group != TEST
    own[comparison.in_group(FORGET)] = False
    write_reference(comparison.ids[own], comparison.labels[own])
    app.run()
    assert not app.exception
    assert len(app.metric) == 3
    assert "Each line is a class" in words_of(app)


def test_what_never_having_seen_means_depends_on_how_many_are_recognised() -> None:
    assert if_never_seen(98.0, True).endswith(
        "98% of them all the same, as they resemble others. This one refuses them now, as was asked; it "
        "differs from one that never saw them."
    )
    assert if_never_seen(98.0, False).endswith("98% of them all the same, as they resemble others.")
    assert if_never_seen(0.0, True).endswith(
        "0% of them. In this, this classifier now is as it would be without them."
    )
    assert if_never_seen(0.0, False).endswith("recognise 0% of them.")
    assert if_never_seen(50.0, True).endswith("recognise 50% of them, those that resemble others.")
