"""A server that serves others: each browser sees its own, and what it was given a link to."""

import io
import re
import zipfile

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.conftest import App, OpenPage
from tests.browser.steps import open_tab, settle, shoot
from unlearn_core.store.example import EXAMPLE
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.rows import RunState
from unlearn_core.store.runs import Store

pytestmark = pytest.mark.browser
SERVER_SETTINGS = {"UNLEARN_SHARED": "1"}


def pets() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, colour in (("tabby", "orange"), ("pug", "tan")):
            picture = io.BytesIO()
            Image.new("RGB", (64, 64), colour).save(picture, "PNG")
            archive.writestr(f"{name}/1.png", picture.getvalue())
        # Real checkpoints and archives are larger than photos: the server has to let them through.
        archive.writestr("notes.txt", bytes(25 * 2**20))
    return file.getvalue()


def open_add(page: Page) -> None:
    settle(page)
    open_tab(page, "Add")
    expect(page.get_by_role("heading", name="Catalog")).to_be_visible()
    page.get_by_text("Pictures", exact=True).first.click()
    settle(page)


@pytest.mark.slow
def test_uploads_and_runs_are_ones_own_but_for_a_link(app: App, open_page: OpenPage) -> None:
    first = open_page(f"/?run={EXAMPLE}")
    open_add(first)
    expect(first.get_by_text("A folder", exact=True)).to_have_count(0)
    first.locator(".st-key-add_zip input[type=file]").set_input_files(
        {"name": "pets.zip", "mimeType": "application/zip", "buffer": pets()}
    )
    first.get_by_label("Name in the catalog").fill("my pets")
    settle(first)
    first.get_by_role("button", name="Add", exact=True).click()
    expect(first.get_by_text("my pets is in the catalog: 2 pictures of 2 classes.")).to_be_visible()
    shoot(first, "add-light")
    (record,) = (app.home / "image_sets").glob("*/image_set.json")
    assert re.search(r'"visitor":"[0-9a-f]{16}"', record.read_text(encoding="utf-8"))
    first.get_by_role("button", name="Forget some of them").click()
    settle(first)
    # What was added, the classifier with most classes, as none has these, and no run.
    expect(first.get_by_role("combobox", name="Pictures")).to_have_value("my pets")
    expect(first.get_by_role("combobox", name="Classifier")).to_have_value(re.compile("EfficientNet"))
    assert "run=" not in first.url
    open_add(first)
    first.reload()
    settle(first)
    expect(first.get_by_role("button", name="Remove")).to_be_visible()

    second = open_page("/", scheme="dark")
    open_add(second)
    shoot(second, "add-dark")
    expect(second.get_by_role("button", name="Remove")).to_have_count(0)
    store = Store(app.home)
    run = store.create(ForgetRequest(), name="somebody's", visitor="0123456789abcdef")
    store.finish(run.id, RunState.FAILED, error="It was only a test.")
    open_tab(second, "Runs")
    expect(second.get_by_text("Nothing has been forgotten yet.")).to_be_visible()
    linked = open_page(f"/?run={run.id}")
    expect(linked.get_by_text("It was only a test.")).to_be_visible()
    assert str(app.home) not in linked.content()
