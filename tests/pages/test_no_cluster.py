"""Pages of a server whose cluster cannot be reached: they open, and say so in a sentence."""

from collections.abc import Iterator

import dask
import pytest

from pages.shared.words import plain
from tests.pages.conftest import OpenApp
from tests.pages.words_of import words_of
from unlearn_core.store.example import EXAMPLE, install_example
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.rows import RunState
from unlearn_core.store.runs import Store

SAID = plain("The cluster tls://127.0.0.1:9 cannot be reached: Connection refused.")


@pytest.fixture(autouse=True)
def no_cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("UNLEARN_CLUSTER", "tls://127.0.0.1:9")
    tls = "distributed.comm.tls"
    with dask.config.set({f"{tls}.{key}": "x.pem" for key in ("ca-file", "client.cert", "client.key")}):
        yield


@pytest.mark.parametrize(
    "page", ["before_after", "weights", "attributions", "replay", "compare", "add", "runs"]
)
def test_every_page_opens(open_app: OpenApp, store: Store, page: str) -> None:
    install_example(store)
    app = open_app(f"pages/{page}/{page}.py", EXAMPLE)
    needs_a_worker = page in ("attributions", "replay", "add")
    assert (SAID in words_of(app)) == needs_a_worker


def test_a_run_is_refused_and_one_that_was_interrupted_stays(open_app: OpenApp, store: Store) -> None:
    run = store.create(ForgetRequest(pick="ids:3,14"))
    store.end(run.id, RunState.INTERRUPTED, "The program ended before this run did.")
    app = open_app()
    app.button(key="quick_hardest").click().run()
    app.button(key="forget").click().run()
    assert SAID in words_of(app)
    app = open_app(run=run.id)
    app.button(key="resume").click().run()
    assert not app.exception
    assert SAID in words_of(app)
    assert [one.state for one in store.runs()] == [RunState.INTERRUPTED]
