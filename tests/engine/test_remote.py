"""The engine on a Dask cluster that exists already: a scheduler and two workers, as an operator starts them.

Where this process may, they belong to another user, who cannot read the home of the server.
"""

import os
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import TypeVar

import numpy as np
import psutil
import pytest
from PIL import Image

from tests.another_user import THIS, another_user
from tests.dask_cluster import DaskCluster, dask_cluster, server_on
from tests.engine.servers import cancel_a_running_and_a_waiting_run, wait_for_the_end
from tests.quick import QUICK
from tests.waiting import PATIENCE, wait_until
from unlearn_core.artifacts.attribution_maps import read_attributions
from unlearn_core.catalog.custom.add_classifier import add_classifier
from unlearn_core.catalog.records.classifier_record import ClassifierSpecification
from unlearn_core.catalog.records.image_set_record import AddedImageSet, added_image_set
from unlearn_core.catalog.untrusted.uploads import store_upload
from unlearn_core.engine.additions import AddImageSetRequest, AddUploadRequest, ArchitecturesRequest
from unlearn_core.engine.engine import Engine
from unlearn_core.engine.looks import AttributionMapsRequest, LookRequest
from unlearn_core.engine.remote.remote_cluster import RemoteCluster
from unlearn_core.engine.remote.sent import Sent
from unlearn_core.errors import UserError
from unlearn_core.forgetting.step import Step
from unlearn_core.jobs.carry_out import run_forget
from unlearn_core.measuring.attribution.request import AttributionRequest
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.rows import RunState
from unlearn_core.store.run_file import CHECKPOINT, check_run_files
from unlearn_core.store.runs import Store

# The other user's Python may be the system's.
pytestmark = pytest.mark.filterwarnings("ignore:Mismatched versions")

EASY = ForgetRequest(pick="hardest:2", options=QUICK, measure=100)
NETWORK, NOISE = "timm:test_vit", "noise"
SLOW = ForgetRequest(
    classifier=NETWORK,
    images=NOISE,
    pick="random:2",
    method="neggrad",
    options={"learning_rate": 1e-6},
    max_steps=100_000,
)
"""Forgets nothing, in steps that take some milliseconds."""

Answer = TypeVar("Answer")


@pytest.fixture(scope="module")
def cluster() -> Iterator[DaskCluster]:
    with dask_cluster(another_user() or THIS, {"forgets": "forget=1", "looks": "look=1"}) as found:
        yield found


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("server") / "home"


@pytest.fixture(scope="module")
def uploaded(cluster: DaskCluster, home: Path) -> tuple[Path, AddedImageSet]:
    """A custom classifier, and an image set that the cluster has added: its upload, and the record."""
    with server_on(cluster, home) as engine:
        network = f"{NETWORK}:random"
        add_classifier(home, ClassifierSpecification(source=network, classes=2, input_size=32, name=NETWORK))
        upload = store_upload(home, "noise.zip", zip_of_pictures())
        return upload, answer(engine, AddImageSetRequest(NOISE, "", upload))


@pytest.fixture
def engine(cluster: DaskCluster, home: Path) -> Iterator[Engine]:
    """A server that uses the cluster; its home is the same in all tests, so that files travel once."""
    with server_on(cluster, home) as engine:
        yield engine
    assert not (cluster.folder / "never").exists()


def test_a_run_on_the_cluster_is_kept_here_like_any_other(engine: Engine) -> None:
    run = wait_for_the_end(engine, engine.submit(EASY))
    assert run.state == RunState.DONE, run.error
    assert (run.started, run.finished) > (run.created, run.created)
    result, steps = run.parsed_result(), engine.store.steps(run.id)
    assert result is not None
    assert result.accuracy.forget.after == 0
    assert [step.step for step in steps] == list(range(result.steps + 1))
    kept = {path.name for path in engine.store.folder(run.id).iterdir()}
    assert {"weights.safetensors", "predictions.npz", "weight_maps.npz", "snapshots"} <= kept
    after = wait_for_the_end(
        engine, engine.submit(EASY.model_copy(update={"after": run.id, "pick": "random:1"}))
    )
    assert after.state == RunState.DONE, after.error
    assert after.parsed_result().earlier[0].run == run.id  # type: ignore[union-attr]


def test_what_a_user_added_travels_there_and_what_is_found_comes_back(
    engine: Engine, home: Path, uploaded: tuple[Path, AddedImageSet]
) -> None:
    upload, record = uploaded
    assert record == added_image_set(home, NOISE)
    assert not upload.exists()
    run = wait_for_the_end(engine, engine.submit(SLOW.model_copy(update={"max_steps": 3})))
    assert run.state == RunState.DONE, run.error
    result = run.parsed_result()
    assert result is not None
    path = answer(engine, AttributionMapsRequest(AttributionRequest.parse(run.id, result.ids, "saliency")))
    assert path.parent == engine.store.folder(run.id) / "attributions"
    assert read_attributions(path).before.shape == (2, 32, 32)


def test_uploaded_photos_are_numbered_here_one_after_the_other(engine: Engine, home: Path) -> None:
    looks = [engine.look(AddUploadRequest(f"{number}.png", picture(number))) for number in range(3)]
    numbers = sorted(look.result()[0] for look in looks)
    assert numbers == list(range(numbers[0], numbers[0] + 3))
    assert len(list((home / "uploads").iterdir())) == 3


@pytest.mark.usefixtures("uploaded")
def test_visitors_who_ask_for_the_same_share_one_run(engine: Engine) -> None:
    request = SLOW.model_copy(update={"max_steps": 4})
    ids = [engine.submit(request, visitor=letter * 16) for letter in "abc"]
    ends = [wait_for_the_end(engine, run_id) for run_id in ids]
    assert [run.state for run in ends] == [RunState.DONE] * 3
    results = [run.parsed_result() for run in ends]
    assert [result.run for result in results if result] == ids
    for run_id in ids:
        check_run_files(engine.store.folder(run_id))
        assert (engine.store.folder(run_id) / "weights.safetensors").exists()
    # Also in the seconds that it took.
    first, *others = (result.model_copy(update={"run": None}) for result in results if result)
    assert others == [first, first]


@pytest.mark.usefixtures("uploaded")
def test_a_running_and_a_waiting_run_are_cancelled(engine: Engine) -> None:
    cancel_a_running_and_a_waiting_run(engine, SLOW)


@pytest.mark.usefixtures("uploaded")
def test_a_run_goes_on_when_its_worker_dies_or_hangs_and_ends_when_the_server_does(engine: Engine) -> None:
    run_id = engine.submit(SLOW)
    wait_until(lambda: engine.store.get(run_id).steps_done >= 2)
    worker = psutil.Process(worker_of(engine, run_id))
    worker.kill()
    worker.wait(PATIENCE)
    wait_until(lambda: engine.store.get(run_id).state == RunState.QUEUED)
    wait_until(lambda: worker_of(engine, run_id) not in (0, worker.pid))
    hanging = psutil.Process(worker_of(engine, run_id))
    hanging.suspend()
    engine._end_worker_of(run_id)
    assert not hanging.is_running()
    wait_until(lambda: engine.store.get(run_id).state == RunState.RUNNING)
    engine.close()
    assert engine.store.get(run_id).state == RunState.INTERRUPTED


@pytest.mark.usefixtures("uploaded")
def test_an_interrupted_run_takes_its_checkpoint_along(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unlearn_core.jobs.store_report.SECONDS_BETWEEN", 0.0)
    store = engine.store
    run_id = store.create(SLOW.model_copy(update={"max_steps": 14})).id
    with pytest.raises(_DeadError):
        run_forget(store, run_id, on_step=dies)
    begun = store.steps(run_id)
    store.end(run_id, RunState.INTERRUPTED, "Its process was killed.")
    engine.resume(run_id)
    run = wait_for_the_end(engine, run_id)
    assert run.state == RunState.DONE, run.error
    steps = store.steps(run_id)
    assert [step.step for step in steps] == list(range(15))
    # With the seconds that each took: the first were not done again.
    assert steps[:10] == begun[:10]
    assert not (store.folder(run_id) / CHECKPOINT).exists()


def test_what_is_not_wanted_any_more_is_dropped_without_waiting(engine: Engine) -> None:
    cluster, goes_on = engine._cluster, threading.Event()
    assert isinstance(cluster, RemoteCluster)
    work = cluster.client.submit(abs, -1, pure=False, resources={"look": 1})
    sent = Sent(engine.store, {}, None, lambda error: None)
    cluster.client.loop.add_callback(goes_on.wait, PATIENCE)
    # As where a connection is being closed. To wait here once kept all later answers from arriving.
    dropping = threading.Thread(target=cluster._forget_about, args=(work.key, sent, work), daemon=True)
    dropping.start()
    dropping.join(30)
    waits = dropping.is_alive()
    goes_on.set()
    assert not waits


class _DeadError(BaseException):
    """Ends a run as a killed process does: nothing of it is recorded."""


def dies(step: Step) -> None:
    if step.step == 11:
        raise _DeadError


def test_another_version_is_told_apart_with_a_sentence(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unlearn_core.__version__", "99.0")
    with pytest.raises(
        UserError, match=r"has Unlearn Lens .*, this server 99\.0 .*: install the same version"
    ):
        answer(engine, ArchitecturesRequest())
    run = wait_for_the_end(engine, engine.submit(EASY))
    assert run.state == RunState.FAILED
    assert run.error is not None
    assert "install the same version on both" in run.error


def test_a_worker_without_this_project_is_one_sentence(cluster: DaskCluster, home: Path) -> None:
    empty = cluster.folder / "empty"
    empty.mkdir()
    with dask_cluster(cluster.user, {}) as other:
        other.add_worker("bare", "look=1", code=empty)
        with (
            server_on(other, home) as engine,
            pytest.raises(UserError, match="has no Unlearn Lens") as caught,
        ):
            answer(engine, ArchitecturesRequest())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("tls://127.0.0.1:9", "cannot be reached"),
        ("tls://nowhere.invalid:8786", "cannot be reached"),
        ("tcp://127.0.0.1:9", "is not an address such as tls://"),
    ],
)
def test_a_cluster_that_cannot_be_reached_is_one_sentence(
    cluster: DaskCluster, store: Store, address: str, said: str
) -> None:
    with server_on(replace(cluster, address=address), store.root) as engine:
        with pytest.raises(UserError, match=said):
            answer(engine, ArchitecturesRequest())
        with pytest.raises(UserError, match=said):
            engine.submit(EASY)
        assert engine.store.runs() == []


def test_a_cluster_that_goes_away_interrupts_its_runs(cluster: DaskCluster, store: Store) -> None:
    with dask_cluster(cluster.user, {}) as other, server_on(other, store.root) as engine:
        run_id, look = engine.submit(EASY), engine.look(ArchitecturesRequest())
        # Both have arrived there: a look is sent by a thread of its own.
        wait_until(lambda: len(engine._cluster.client.futures) == 2)
        other.close()
        run = wait_for_the_end(engine, run_id)
        assert run.state == RunState.INTERRUPTED
        assert run.error is not None
        assert "was lost" in run.error
        with pytest.raises(UserError, match="was lost"):
            look.result()


def answer(engine: Engine, asked: LookRequest[Answer]) -> Answer:
    look = engine.look(asked)
    assert look.wait(PATIENCE)
    return look.result()


def worker_of(engine: Engine, run_id: str) -> int:
    """Return the process that carries out a run; 0 if there is none now."""
    for address, keys in engine._cluster.client.processing().items():
        if any(run_id in key for key in keys):
            return int(engine._cluster.client.run(os.getpid, workers=[address]).get(address, 0))
    return 0


def picture(number: int) -> bytes:
    pixels = np.random.default_rng(number).integers(0, 256, (40, 40, 3), np.uint8)
    Image.fromarray(pixels).save(written := BytesIO(), "PNG")
    return written.getvalue()


def zip_of_pictures() -> bytes:
    with zipfile.ZipFile(written := BytesIO(), "w") as archive:
        for number in range(6):
            archive.writestr(
                f"{'train' if number < 4 else 'test'}/class {number % 2}/{number}.png", picture(number)
            )
    return written.getvalue()
