"""One finished run that all tests of measurements look at."""

from pathlib import Path

import pytest

from tests.quick import QUICK
from unlearn_core.jobs.carry_out import run_forget
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.runs import Store


@pytest.fixture(scope="session")
def cached_store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(tmp_path_factory.mktemp("kept"))


@pytest.fixture(scope="session")
def finished(cached_store: Store, parsed_digits: Path) -> str:
    run = cached_store.create(ForgetRequest(pick="hardest:2", options=QUICK))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UNLEARN_HOME", str(parsed_digits.parents[1]))
        run_forget(cached_store, run.id)
    return run.id
