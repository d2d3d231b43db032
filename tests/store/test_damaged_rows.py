"""A row that cannot be read is damaged, can be deleted, and harms no other."""

import json
import sqlite3
import time
from datetime import UTC, datetime

import pytest

from tests.made import result
from unlearn_core.catalog.records.image_set_record import RECORD, AddedImageSet, added_folder
from unlearn_core.commands.main import main
from unlearn_core.errors import UserError
from unlearn_core.store.cleanup import remove_added
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.rows import RunState
from unlearn_core.store.runs import Store

REQUEST = ForgetRequest(pick="ids:3,14")
DAMAGES = {
    "request": "{half a requ",
    "request of unknown fields": '{"classifier": "mnist-resnet", "magic": 1}',
    "result": "[1, 2]",
    "state": "sleeping",
    "created": "yesterday",
    "steps_done": "many",
}


@pytest.fixture(params=DAMAGES)
def damaged(store: Store, request: pytest.FixtureRequest) -> str:
    """Make two finished runs, damage one and return its id."""
    run, other = store.create(REQUEST, "damaged"), store.create(REQUEST, "whole")
    for one in (run, other):
        store.finish(one.id, RunState.DONE, result=result(steps=7))
    column = request.param.split(" ")[0]
    with sqlite3.connect(store.root / "runs.sqlite") as connection:
        connection.execute(f"UPDATE run SET {column} = ? WHERE id = ?", (DAMAGES[request.param], run.id))
    connection.close()
    return run.id


def test_it_is_damaged_with_a_sentence_and_the_other_is_whole(store: Store, damaged: str) -> None:
    states = {run.name: run.state for run in store.runs()}
    assert states == {"damaged": RunState.DAMAGED, "whole": RunState.DONE}
    run = store.get(damaged)
    assert run.error == f"Run {damaged} is damaged and cannot be read: delete it, and run it again."
    assert run.parsed_result() is None
    with pytest.raises(UserError, match="is damaged"):
        run.parsed_request()
    assert store.mark_interrupted() == []


def test_it_is_listed_shown_and_deleted_on_the_command_line(
    store: Store, damaged: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["runs", "list"]) == 0
    assert f"{damaged}  damaged" in capsys.readouterr().out
    assert main(["runs", "list", "--json"]) == 0
    listed = {run["name"]: run for run in json.loads(capsys.readouterr().out)}
    assert listed["damaged"]["request"] is None
    assert listed["whole"]["request"] == REQUEST.model_dump()
    assert main(["runs", "delete", damaged]) == 0
    assert [run.name for run in store.runs()] == ["whole"]


def test_it_holds_nothing_that_was_added(store: Store, damaged: str) -> None:
    record = AddedImageSet(name="mine", source="folder:/pets", kind="folder", pictures=1, class_names=())
    path = added_folder(store.root, "mine") / RECORD
    path.parent.mkdir(parents=True)
    path.write_text(record.model_dump_json(), encoding="utf-8")
    store.create(REQUEST.model_copy(update={"images": "mine"}), "uses it")
    with pytest.raises(UserError, match="uses it"):
        remove_added(store, "mine")
    assert damaged in [run.id for run in store.runs()]


def test_times_are_utc_and_shown_with_the_local_offset(
    store: Store, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = store.create(REQUEST)
    assert abs((datetime.now(UTC) - store.get(run.id).created).total_seconds()) < 60
    store.update(run.id, created=datetime(2026, 11, 25, 23, 30, tzinfo=UTC))
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    time.tzset()
    try:
        assert main(["runs", "list"]) == 0
    finally:
        monkeypatch.undo()
        time.tzset()
    assert "2026-11-26 05:00 +05:30" in capsys.readouterr().out


def test_a_run_of_a_method_that_is_not_there_says_so(store: Store) -> None:
    run = store.create(REQUEST.model_copy(update={"method": "magic"}))
    kept = store.get(run.id)
    assert kept.state == RunState.DAMAGED
    assert kept.error == (
        f"Run {run.id} used the method magic, which is not installed: install it, or delete the run."
    )
