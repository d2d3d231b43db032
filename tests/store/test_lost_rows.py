"""A database that lost its rows is named; the folders of its runs stay."""

import pytest

from tests.made import step
from unlearn_core.artifacts.steps import append_step
from unlearn_core.commands.main import main
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.runs import Store


def test_an_emptied_database_is_one_sentence_until_it_has_runs_again(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    run = store.create(ForgetRequest())
    append_step(store.folder(run.id), step(0))
    for opened in (store, Store(store.root)):
        opened._sql.dispose()
    assert caplog.messages == []
    (store.root / "runs.sqlite").write_bytes(b"")
    for _ in range(2):
        caplog.clear()
        emptied = Store(store.root)
        (sentence,) = caplog.messages
        assert sentence == (
            f"The store's database runs.sqlite is empty, but {store.root / 'runs'} has files of 1 run: "
            "put back a copy of the database to see them."
        )
    assert (store.folder(run.id) / "steps.jsonl").exists()
    emptied.create(ForgetRequest())
    caplog.clear()
    assert main(["runs", "list"]) == 0
    assert caplog.messages == []


def test_a_new_store_says_nothing(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    Store(store.root)
    assert caplog.messages == []
