"""Every test gets a store of its own; nothing of the person who runs the tests is touched."""

from pathlib import Path

import pytest

from unlearn_core.runs.store import Store


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make `UNLEARN_HOME` an empty folder of this test."""
    folder = tmp_path / "home"
    monkeypatch.setenv("UNLEARN_HOME", str(folder))
    return folder


@pytest.fixture
def store(own_home: Path) -> Store:
    return Store(own_home)
