"""Nothing rests on the encoding of one system: Windows and old consoles have others."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = [
    ROOT / "app.py",
    *(
        file
        for folder in ("pages", "unlearn_core", "benchmarks", "tests")
        for file in sorted((ROOT / folder).rglob("*.py"))
    ),
]


def call_in_ascii(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python where files and consoles are ASCII unless a program says otherwise."""
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0"}
    environment.pop("PYTHONIOENCODING", None)
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, encoding="ascii"
    )


def calls_without_encoding(source: str) -> Iterator[int]:
    """Yield the lines of calls that read or write text in whatever encoding the system has."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or any(word.arg == "encoding" for word in node.keywords):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        # Of `open` the method of a path: it has no argument, or a mode as the first.
        mode = ast.literal_eval(node.args[0]) if node.args and isinstance(node.args[0], ast.Constant) else ""
        bare = not node.args and not node.keywords
        opens = name == "open" and (bare or re.fullmatch(r"[rwax+t]+", str(mode)))
        if name in ("read_text", "write_text") or opens:
            yield node.lineno


def test_the_check_finds_what_it_looks_for() -> None:
    source = (
        "a.read_text()\nb.read_text(encoding='utf-8')\n(c / 'd').write_text('e')\nf.open('a')\ng.open('rb')\n"
    )
    assert list(calls_without_encoding(source)) == [1, 3, 4]


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_text_files_say_their_encoding(file: Path) -> None:
    assert list(calls_without_encoding(file.read_text(encoding="utf-8"))) == []


def test_the_pages_are_read_where_the_system_is_ascii() -> None:
    program = "import locale; print(locale.getpreferredencoding()); import pages.forget.hover_pictures"
    done = call_in_ascii("-c", program)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "ANSI_X3.4-1968" or sys.platform != "linux"


@pytest.mark.parametrize("arguments", [["catalog"], ["runs", "list"], ["forget", "--help"]])
def test_the_command_line_prints_what_an_ascii_console_can_show(arguments: list[str]) -> None:
    done = call_in_ascii("-m", "unlearn_core", *arguments)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    if arguments == ["catalog"]:
        assert " ? on disk" in done.stdout


def test_a_result_reaches_an_ascii_console() -> None:
    quick = ["--method", "neggrad", "--pick", "ids:3", "--max-steps", "1"]
    done = call_in_ascii("-m", "unlearn_core", "forget", *quick)
    assert done.returncode == 0, done.stderr
    assert "D_f" in done.stdout
    assert " ? " in done.stdout
