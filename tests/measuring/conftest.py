"""One finished run that all tests of measurements look at."""

import pytest

from tests.finished import FinishedRun
from unlearn_core.store.runs import Store


@pytest.fixture(scope="session")
def cached_store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(tmp_path_factory.mktemp("kept"))


@pytest.fixture(scope="session")
def finished(cached_store: Store, finished_run: FinishedRun) -> str:
    return finished_run.copy_to(cached_store).id
