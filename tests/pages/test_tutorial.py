"""The tutorial means the app that there is: what it tells to press exists, and its steps can be taken."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pages.conftest import OpenApp
from tests.pages.words_of import words_of
from unlearn_core.store.example import EXAMPLE, install_example
from unlearn_core.store.runs import Store

ROOT = Path(__file__).parents[2]
TUTORIAL = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")


def named() -> Iterator[str]:
    """Yield what the tutorial writes in italics or bold: buttons, charts and pages."""
    for found in re.finditer(r"\*{1,2}([^*]+)\*{1,2}", TUTORIAL):
        yield " ".join(found[1].split())


def said_by_the_pages() -> str:
    """Return all texts of the pages, in which numbers that are filled in are a 2."""
    texts = []
    for file in (ROOT / "pages").rglob("*.py"):
        source = re.sub(r'"\s*\n?\s*f?"', "", file.read_text(encoding="utf-8"))
        texts += re.findall(r'"((?:[^"\\]|\\.)*)"', source)
    methods = [file.read_text(encoding="utf-8") for file in (ROOT / "unlearn_core/forgetting").glob("*.py")]
    return "\n".join([*(re.sub(r"\{[^}]*\}", "2", one) for one in texts), *methods])


@pytest.mark.parametrize("name", sorted(set(named())))
def test_what_the_tutorial_names_exists(name: str) -> None:
    assert name in said_by_the_pages()


@pytest.mark.slow
def test_the_steps_on_a_finished_run_can_be_taken(open_app: OpenApp, store: Store) -> None:
    install_example(store)
    app = open_app(run=EXAMPLE)
    assert app.button(key="new").label == "New run"
    assert "**Depth**" in words_of(app)
    app.button(key="new").click().run()
    # The same pictures are still picked.
    assert app.button(key="forget").label == "Forget 16 pictures"
    assert "NegGrad" in app.multiselect(key="compare_with").options
    assert app.segmented_control(key="depth:28:1").options == ["Just enough", "Firm", "Deep"]
    app.button(key="quick_memorised").click().run()
    assert "recognise 1.6% of them" in words_of(app)

    app = open_app("pages/attributions/attributions.py", EXAMPLE)
    app.multiselect(key="algorithms").set_value(["saliency", "integrated-gradients", "occlusion"]).run()
    app.selectbox(key="target").select("label").run()
    assert app.toggle(key="trust").label == "How far can these maps be trusted?"
    app.toggle(key="sanity").set_value(True).run()
    assert not app.exception
    assert not app.error

    app = open_app("pages/weights/weights.py", EXAMPLE)
    app.toggle(key="contrast").set_value(True).run()
    app.segmented_control(key="filters").set_value("one filter").run()
    assert "If only this filter's change is undone" in words_of(app)

    app = open_app("pages/before_after/before_after.py", EXAMPLE)
    app.pills(key="look").set_value("unseen").run()
    assert "Confidence in the label of each forgotten picture" in words_of(app)

    app = open_app("pages/replay/replay.py", EXAMPLE)
    app.segmented_control(key="view").set_value("Dial").run()
    assert "pictures recognised at this point" in words_of(app)
    assert not app.exception
    assert not app.error
