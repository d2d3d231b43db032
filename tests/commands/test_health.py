"""How a server is doing: facts, problems, and an exit code."""

import json
import socket
import threading
from pathlib import Path

import pytest

from unlearn_core.commands import health
from unlearn_core.commands.main import main
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.rows import RunState
from unlearn_core.store.runs import Store


def test_a_store_in_order_has_no_problems(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    store.create(ForgetRequest())
    store.finish(store.create(ForgetRequest()).id, RunState.FAILED, error="Made for this test.")
    assert main(["health", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["problems"] == []
    assert facts["store"]["runs"] == {"queued": 1, "failed": 1}
    assert (facts["queue"]["waiting"], facts["queue"]["running"]) == (1, 0)
    assert facts["versions"].keys() >= {"unlearn_core", "torch", "streamlit"}


def test_a_home_that_does_not_exist_is_not_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "none"
    monkeypatch.setenv("UNLEARN_HOME", str(home))
    assert health.health()["store"] == {"exists": False}
    assert not home.exists()


def test_little_room_and_a_silent_server_are_problems(
    store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(health, "LEAST_DISK_MB", 10**9)
    monkeypatch.setattr(health, "LEAST_MEMORY_MB", 10**9)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        assert main(["health", "--url", f"http://127.0.0.1:{nobody.getsockname()[1]}"]) == 1
    said = capsys.readouterr().out
    assert "are free on the disk" in said
    assert "of memory are available" in said
    assert "The server does not answer at http://127.0.0.1" in said


def test_what_is_no_web_server_or_no_address_does_not_answer(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"220 mail\r\n")
                connection.recv(1000)

        other = threading.Thread(target=answer)
        other.start()
        assert main(["health", "--url", f"http://127.0.0.1:{server.getsockname()[1]}"]) == 1
        other.join()
    assert main(["health", "--url", "http://localhost:abc"]) == 1
    assert capsys.readouterr().out.count("The server does not answer at") == 2
