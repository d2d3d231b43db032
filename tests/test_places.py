"""Where people run it: each place serves, or says in one sentence what is missing."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.shared.words import plain
from tests.another_user import CODE, another_user
from unlearn_core.commands.main import main

ONLY_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="limits and users of Linux")
_WARM_TWICE = """
import resource
resource.setrlimit(resource.RLIMIT_AS, (1500 * 2**20,) * 2)
from unlearn_core.engine.tasks import warm
from unlearn_core.errors import UserError
for attempt in range(2):
    try:
        warm()
    except UserError as error:
        print(error)
"""


def test_a_home_with_umlauts_is_read_without_a_utf8_locale(tmp_path: Path) -> None:
    home = tmp_path / "Bücher & Töne"
    environment = {**os.environ, "UNLEARN_HOME": str(home), "LC_ALL": "C"}
    # So that the answer can be shown.
    environment |= {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, "-m", "unlearn_core", "health"]
    done = subprocess.run(command, cwd=CODE, env=environment, capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert str(home) in done.stdout.decode()


def test_a_home_that_cannot_be_made_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("UNLEARN_HOME", str(tmp_path / "file" / "home"))
    assert main(["runs", "list"]) == 2
    said = capsys.readouterr().err
    assert str(tmp_path / "file" / "home") in said
    assert "set UNLEARN_HOME" in said
    assert said.count("\n") == 1


@ONLY_LINUX
def test_a_user_without_a_home_is_told_what_to_set(tmp_path: Path) -> None:
    user = another_user()
    if user is None:
        pytest.skip("only root may become another user")
    without_home = (
        "import os, runpy; del os.environ['HOME']; runpy.run_module('unlearn_core', run_name='__main__')"
    )
    started = user.start(["-c", without_home, "runs", "list"], Path("/"), {}, subprocess.PIPE)
    assert "set UNLEARN_HOME" in started.communicate(timeout=120)[0]


@ONLY_LINUX
def test_too_little_memory_for_torch_is_said_each_time() -> None:
    command = [sys.executable, "-c", _WARM_TWICE]
    said = subprocess.run(command, cwd=CODE, capture_output=True, text=True, timeout=120).stdout.splitlines()
    assert len(said) == 2
    assert said[0] == said[1]
    assert said[0].startswith("PyTorch cannot be loaded")


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (
            OSError(errno.ENOSPC, "No space left on device"),
            "The server cannot write its files: No space left",
        ),
        (MemoryError(), "The server has no memory left"),
        (ImportError("libx.so: failed to map segment from shared object"), "The server has no memory left"),
        (ZeroDivisionError("division by zero"), "The program failed: ZeroDivisionError: division by zero."),
    ],
    ids=["full disk", "memory", "memory for a library", "bug"],
)
def test_what_no_page_expected_is_one_sentence(fault: Exception, sentence: str) -> None:
    def page(fault: Exception) -> None:
        from pages.shared.errors import show_fault

        assert show_fault(fault)

    app = AppTest.from_function(page, kwargs={"fault": fault}, default_timeout=600).run()
    assert not app.exception
    (box,) = app.error
    assert box.value.startswith(plain(sentence))
