"""Help that a person can read everywhere, and completion that does not make them wait for torch."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from unlearn_core.commands.main import _Parser
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.runs import Store

ROOT = Path(__file__).parents[2]


def complete(line: str, folder: Path) -> list[str]:
    """Ask for what may follow a line, as the shell's function of argcomplete does; torch must stay away."""
    answer = folder / "answer"
    answer.touch()
    environment = {
        **os.environ,
        "_ARGCOMPLETE": "1",
        "_ARGCOMPLETE_IFS": "\n",
        "_ARGCOMPLETE_STDOUT_FILENAME": str(answer),
        "COMP_LINE": line,
        "COMP_POINT": str(len(line)),
    }
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "unlearn_core"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    imported = {row.rpartition("|")[2].strip() for row in done.stderr.splitlines()}
    assert "unlearn_core.commands.main" in imported
    assert not imported & {"torch", "torchvision", "timm", "captum", "streamlit"}
    return [name.strip() for name in answer.read_text(encoding="utf-8").split("\n")]


def show_help(*arguments: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "unlearn_core", *arguments, "--help"],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "100", **environment},
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("line", "some"),
    [
        ("unlearn-lens ", {"forget", "app", "catalog", "runs"}),
        ("unlearn-lens forget --me", {"--method", "--measure-on"}),
        ("unlearn-lens reference mnist-resnet --da", {"--data-dir"}),
        ("unlearn-lens forget --goal ", {"misclassify", "relabel"}),
        ("unlearn-lens forget --method sal", {"salun"}),
        ("unlearn-lens forget --classifier mn", {"mnist-resnet"}),
        ("unlearn-lens match --images ph", {"photos"}),
    ],
)
def test_the_shell_completes_commands_flags_and_names(line: str, some: set[str], tmp_path: Path) -> None:
    offered = complete(line, tmp_path)
    assert some <= set(offered)
    last = line.rpartition(" ")[2]
    assert all(name.startswith(last) for name in offered)


def test_the_shell_completes_runs(store: Store, tmp_path: Path) -> None:
    ids = {store.create(ForgetRequest()).id for _ in range(2)}
    assert ids <= set(complete("unlearn-lens runs delete ", tmp_path))
    assert ids <= set(complete("unlearn-lens forget --after ", tmp_path))


def test_brackets_in_help_are_text() -> None:
    shown = show_help("forget")
    assert "torchvision:NAME[:WEIGHTS]" in shown
    assert "no limit for retrain" in " ".join(shown.split())
    parser = _Parser(description="an [red] text")
    commands = parser.add_subparsers().add_parser("deeper", description="a [blue] text")
    commands.add_argument("--number", help="one of [0, 1], [bold] or [/none]")
    assert "an [red] text" in parser.format_help()
    assert "a [blue] text" in commands.format_help()
    assert "one of [0, 1], [bold] or [/none]" in commands.format_help()


def test_colours_go_to_terminals_alone() -> None:
    plain = show_help("runs")
    assert "\x1b" not in plain
    coloured = show_help("runs", FORCE_COLOR="1", TERM="xterm-256color")
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain
