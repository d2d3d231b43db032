"""Every code block of the README, CONTRIBUTING and docs/ runs, or at least means what it says.

A block says its language. Python runs as it stands, the blocks of a page one after another; those of
architecture.md outline classes and are compared with them. Of shell blocks each line is parsed by the real
parser, and the quick commands run. Blocks marked `text` or `toml` are no code of this project. A page whose
code another test runs says so in a comment: "The code of this page is run by tests/NAME.py."
"""

import ast
import inspect
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tests.quick import QUICK
from unlearn_core.commands import main as command_line
from unlearn_core.jobs.unlearn import unlearn

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
RUN_ELSEWHERE = re.compile(r"<!-- The code of this page is run by (tests/\w+\.py)\. -->")
OUTLINED = {
    "Report": "unlearn_core.jobs.report",
    "Engine": "unlearn_core.engine.engine",
    "Look": "unlearn_core.engine.engine",
}
PARSED_ONLY = {
    "reference": "trains for hours",
    "add": "needs what a person brings, or a download",
    "backup": "tests/store/test_backup.py runs it",
    "restore": "tests/store/test_backup.py runs it",
    "app": "serves until it is stopped; tests/browser runs it",
    "match": "needs what a person brings",
    "train": "takes minutes and writes over the shipped weights",
}
QUICKLY = ["--method", "neggrad", "--pick", "ids:3,14,46", "--max-steps", "2"]
"""Added to every `forget`: of an option given twice the last one counts."""


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


def blocks(page: Path) -> Iterator[Block]:
    text = page.read_text(encoding="utf-8")
    for found in BLOCK.finditer(text):
        yield Block(page, text.count("\n", 0, found.start()) + 1, found[1], found[2])


ALL = [block for page in PAGES for block in blocks(page)]
PYTHON = [page for page in PAGES if any(block.language == "python" for block in blocks(page))]
SHELL = [block for block in ALL if block.language == "sh"]


def commands(block: Block) -> Iterator[list[str]]:
    """Yield the words of every command of a shell block, without comments."""
    for line in block.text.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if words:
            yield words


def own_arguments(words: list[str]) -> list[str] | None:
    """Return the arguments of a command of this project, else None."""
    if words[0] == "unlearn-lens":
        return words[1:]
    return words[3:] if words[:3] == ["python", "-m", "unlearn_core"] else None


@pytest.mark.parametrize("block", ALL, ids=str)
def test_a_block_says_its_language(block: Block) -> None:
    assert block.language in ("python", "sh", "toml", "json", "nginx", "text")


@pytest.mark.parametrize("page", PYTHON, ids=lambda page: page.name)
def test_python_runs_as_it_stands(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = RUN_ELSEWHERE.search(page.read_text(encoding="utf-8"))
    if elsewhere:
        assert f'"{page.name}"' in (ROOT / elsewhere[1]).read_text(encoding="utf-8")
        return
    # The numbers of the default method are tested elsewhere; here it is in a hurry.
    monkeypatch.setattr("unlearn_core.jobs.unlearn.unlearn", partial(unlearn, options=QUICK))
    names: dict[str, Any] = {"__name__": "page"}
    for block in blocks(page):
        if block.language == "python":
            tree = ast.parse(block.text)
            if page.name == "architecture.md":
                compare_outline(tree)
            else:
                exec(compile(tree, str(block), "exec"), names)
    if page.name == "README.md":
        assert names["outcome"].result.accuracy.forget.after == 0
        assert names["outcome"].classifier is not names["classifier"]


def compare_outline(tree: ast.Module) -> None:
    """Check that a class has the methods of its outline, with these parameters."""
    for outline in tree.body:
        assert isinstance(outline, ast.ClassDef)
        real = getattr(import_module(OUTLINED[outline.name]), outline.name)
        for method in outline.body:
            assert isinstance(method, ast.FunctionDef)
            parameters = inspect.signature(getattr(real, method.name)).parameters
            for argument in method.args.args:
                assert argument.arg in parameters, f"{outline.name}.{method.name} takes no {argument.arg}"


@pytest.mark.parametrize("block", SHELL, ids=str)
def test_a_shell_command_exists(block: Block) -> None:
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    for words in commands(block):
        arguments = own_arguments(words)
        if arguments is not None:
            command_line._parser().parse_args(arguments)
        elif words[0] == "make":
            assert words[1] in targets
        else:
            assert Path(words[0]).name in ("cd", "git", "pip", "playwright", "pre-commit", "pytest")


def test_the_quick_shell_commands_run(
    own_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    every = [arguments for block in SHELL for words in commands(block) if (arguments := own_arguments(words))]
    # `net` and `pets` are what a person brings.
    forgets = [arguments for arguments in every if arguments[0] == "forget" and "net" not in arguments]
    assert len(forgets) >= 2
    for arguments in forgets[:2]:
        assert command_line.main([*arguments, *QUICKLY]) == 0, arguments
    runs = re.findall(r'"run": "(\w+)"', capfd.readouterr().out)
    others = [arguments for arguments in every if arguments[0] not in ("forget", *PARSED_ONLY)]
    # Nothing was interrupted here.
    others = [arguments for arguments in others if "resume" not in arguments]
    assert {arguments[0] for arguments in others} == {"attribute", "catalog", "compare", "runs"}
    # What deletes a run comes last, wherever the page names it.
    for arguments in sorted(others, key=lambda arguments: "delete" in arguments):
        found = iter(runs)
        given = [next(found) if word == "RUN" else word for word in arguments]
        assert command_line.main(given) == 0, given
    assert list((tmp_path / "maps").glob("*.npy"))
    assert [folder.name for folder in (own_home / "runs").iterdir()] == runs[1:]
