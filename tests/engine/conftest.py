"""An engine with real workers."""

from collections.abc import Iterator

import pytest

from unlearn_core.engine.engine import Engine
from unlearn_core.store.runs import Store


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Return one for the tests of a file, with a store of its own."""
    engine = Engine(Store(tmp_path_factory.mktemp("home")))
    yield engine
    engine.close()
