"""A small retain set: the pages say how little it proves, and measure on more."""

from pathlib import Path

import pytest
from PIL import Image

from pages.shared.few_kept import FEW, little_proof
from pages.shared.words import plain
from tests.finished import FinishedRun
from tests.pages.conftest import OpenApp
from tests.pages.words_of import words_of
from tests.waiting import wait_until
from unlearn_core.artifacts.results import COPIES
from unlearn_core.store.rows import RunState
from unlearn_core.store.runs import Store


def test_a_sentence_says_how_many_of_all_others_may_have_changed() -> None:
    # Wilson: of 55 none, up to z² / (n + z²).
    assert "Only 55 pictures" in little_proof(55, 0)
    assert "as many as 7% may" in little_proof(55, 0)
    assert "as many as 20% may" in little_proof(15, 0)
    assert "nothing is known" in little_proof(0, 0)


@pytest.mark.parametrize("page", ["pages/forget/forget.py", "pages/before_after/before_after.py"])
def test_many_kept_pictures_need_no_caution(
    open_app: OpenApp, store: Store, finished_run: FinishedRun, page: str
) -> None:
    run = finished_run.copy_to(store, "two hard ones")
    result = run.parsed_result()
    assert result is not None
    assert result.agreement.retain_n is not None
    assert result.agreement.retain_n > FEW
    copies = f"3 of the kept pictures (D_r) are {COPIES}"
    store.update(run.id, result=result.model_copy(update={"remarks": (copies,)}).model_dump_json())
    words = words_of(open_app(page, run.id))
    assert "proves little" not in words
    # A note of its own is escaped for Markdown.
    assert (plain(copies) if "forget" in page else copies) in words


def test_more_pictures_are_measured_without_forgetting_again(
    open_app: OpenApp,
    store: Store,
    finished_run: FinishedRun,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = finished_run.copy_to(store, "two hard ones")
    (tmp_path / "more").mkdir()
    for shade in range(3):
        Image.new("L", (28, 28), 80 * shade).save(tmp_path / "more" / f"{shade}.png")
    monkeypatch.setattr("pages.shared.few_kept.FEW", 10_000)
    app = open_app("pages/before_after/before_after.py", run.id)
    assert "proves little" in words_of(app)
    app.text_input(key=f"more_folder_{run.id}").set_value(str(tmp_path / "more")).run()
    app.button(key="measure_more").click().run()
    assert not app.exception
    more = store.runs()[0]
    assert more.id != run.id
    wait_until(lambda: store.get(more.id).state == RunState.DONE)
    before, after = run.parsed_result(), store.get(more.id).parsed_result()
    assert before is not None
    assert after is not None
    assert after.agreement.retain_n == (before.agreement.retain_n or 0) + 3
    assert after.accuracy.forget == before.accuracy.forget
    assert [one.step for one in store.steps(more.id)] == [one.step for one in store.steps(run.id)]
