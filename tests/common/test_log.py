"""The log of a server: one JSON object a line, with nothing that people entered."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from unlearn_core.common.log import keep_log, log_event
from unlearn_core.errors import UserError
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.rows import RunState
from unlearn_core.store.runs import Store

OURS = logging.getLogger("unlearn_core")


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Keep a log in a file for one test."""
    file, before = tmp_path / "lens log ü.jsonl", list(OURS.handlers)
    monkeypatch.setenv("UNLEARN_LOG", str(file))
    keep_log()
    keep_log()
    yield file
    for handler in [one for one in OURS.handlers if one not in before]:
        OURS.removeHandler(handler)
        handler.close()
    OURS.setLevel(logging.NOTSET)


def lines(file: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def test_the_life_of_a_run_is_logged_without_its_name(log: Path, store: Store) -> None:
    run = store.create(ForgetRequest(pick="ids:3"), name="the secret of Anna", visitor="0123456789abcdef")
    store.finish(run.id, RunState.FAILED, error="Anna's picture cannot be read.")
    queued, ended = lines(log)
    assert (queued["event"], queued["method"]) == ("run queued", "anchor")
    assert (ended["event"], ended["state"]) == ("run ended", "failed")
    assert queued["run"] == ended["run"] == run.id[:8]
    written = log.read_text(encoding="utf-8")
    assert "Anna" not in written
    # The whole id would give access to the run.
    assert run.id not in written


def test_a_fault_is_logged_by_type_and_place(log: Path) -> None:
    try:
        Path("/no/such/anna.jpg").read_bytes()
    except OSError as fault:
        log_event("page failed", fault=fault)
    OURS.warning("%s cannot be used", "anna.pt")
    failed, warned = lines(log)
    assert (failed["level"], failed["fault"]) == ("error", "FileNotFoundError")
    assert any("test_log.py" in place for place in failed["traceback"])  # type: ignore[attr-defined]
    assert warned["event"] == "%s cannot be used"
    assert "anna" not in log.read_text(encoding="utf-8")
    assert log.stat().st_mode & 0o077 == 0


def test_a_log_that_cannot_be_written_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNLEARN_LOG", str(tmp_path / "no" / "folder"))
    with pytest.raises(UserError, match="UNLEARN_LOG"):
        keep_log()
