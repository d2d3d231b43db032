"""Every test gets a store of its own; nothing of the person who runs the tests is touched."""

import os
from pathlib import Path

import pytest

from tests.finished import FinishedRun
from tests.quick import QUICK
from unlearn_core.catalog.image_sets import Wanted, load_images
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.runs import Store

LONGEST = ("browser", "pages", "jobs", "commands", "engine", "store")
"""Where the tests are that take longest."""

UNCOUNTED = ("browser", "engine", "test_carry_out", "test_chain", "test_every_architecture", "test_old_home")
"""Tests that mostly wait for other processes or calculate: counting their lines takes a fifth more time."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first: of two workers, none is then left with one of them at the end."""

    def where(item: pytest.Item) -> tuple[str, ...]:
        return item.path.relative_to(Path(__file__).parent).with_suffix("").parts

    def rank(item: pytest.Item) -> int:
        first = where(item)[0]
        return LONGEST.index(first) if first in LONGEST else len(LONGEST)

    items.sort(key=rank)
    for item in items:
        if set(UNCOUNTED) & set(where(item)):
            item.add_marker("no_cover")


@pytest.fixture(scope="session")
def parsed_digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Parse the digits once for all tests."""
    home = tmp_path_factory.mktemp("digits")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UNLEARN_HOME", str(home))
        load_images("mnist", Wanted("digits", 1, 28, tuple("0123456789"), ()))
    return home / "cache" / "mnist.npy"


@pytest.fixture(scope="session")
def finished_run(parsed_digits: Path, tmp_path_factory: pytest.TempPathFactory) -> FinishedRun:
    """Forget two digits once for all tests."""
    # Here: the tests of what imports no torch are collected with this file.
    from unlearn_core.jobs.carry_out import run_forget

    store = Store(tmp_path_factory.mktemp("finished"))
    run = store.create(ForgetRequest(pick="hardest:2", options=QUICK))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UNLEARN_HOME", str(parsed_digits.parents[1]))
        run_forget(store, run.id)
    return FinishedRun(store, run.id)


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, parsed_digits: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make `UNLEARN_HOME` a folder of this test that holds nothing but the parsed digits."""
    folder = tmp_path / "home"
    (folder / "cache").mkdir(parents=True)
    os.link(parsed_digits, folder / "cache" / parsed_digits.name)
    monkeypatch.setenv("UNLEARN_HOME", str(folder))
    return folder


@pytest.fixture
def store(own_home: Path) -> Store:
    return Store(own_home)
