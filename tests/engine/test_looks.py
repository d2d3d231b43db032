"""Looks under strain: asked for again and again, by many at once, with workers and engines that go away."""

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from unlearn_core.engine import Engine, Look
from unlearn_core.errors import LookFailed
from unlearn_core.runs.store import Store

PATIENCE = 120.0
READERS = 6
ROUNDS = 150


@pytest.fixture(scope="module")
def engine(parsed_digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    home = tmp_path_factory.mktemp("home")
    (home / "cache").mkdir()
    os.link(parsed_digits, home / "cache" / parsed_digits.name)
    engine = Engine(Store(home))
    engine.look("architectures").result(PATIENCE)
    yield engine
    engine.close()


def slow_look(engine: Engine, root: Path) -> Look:
    """Start a look that takes seconds: `root` has no table of the digits yet."""
    return engine.look("image_table", root=str(root), classifier="mnist-resnet", images="mnist")


def looking_worker(engine: Engine) -> psutil.Process:
    """Return the process of the worker that looks, once it does."""
    deadline = time.monotonic() + PATIENCE
    while True:
        assert time.monotonic() < deadline
        busy = [address for address, keys in engine._client.processing().items() if keys]
        if busy:
            return psutil.Process(engine._client.run(os.getpid, workers=busy)[busy[0]])
        time.sleep(0.02)


def polled(look: Look, seconds: float) -> tuple[object, int]:
    """Return the look's result and how often there was none in time."""
    deadline, late = time.monotonic() + PATIENCE, 0
    while True:
        try:
            return look.result(seconds), late
        except TimeoutError:
            late += 1
            assert time.monotonic() < deadline


def test_polling_with_short_limits_leaves_looks_whole(engine: Engine) -> None:
    expected, late = engine.look("architectures").result(PATIENCE), 0
    with ThreadPoolExecutor(READERS) as readers:
        for number in range(ROUNDS):
            look, seconds = engine.look("architectures"), 0.0003 * (1 + number % 10)
            for found, times in readers.map(lambda _: polled(look, seconds), range(READERS)):  # noqa: B023
                assert found == expected
                late += times
    assert late > ROUNDS
    assert engine.look("architectures").result(PATIENCE) == expected


def test_a_worker_killed_while_it_looks_is_one_sentence_and_the_next_look_succeeds(
    engine: Engine, tmp_path: Path
) -> None:
    look = slow_look(engine, tmp_path)
    looking_worker(engine).kill()
    for _ in range(2):
        with pytest.raises(LookFailed, match="worker process died"):
            look.result(PATIENCE)
    again = slow_look(engine, tmp_path)
    assert again is not look
    assert Path(again.result(PATIENCE)).exists()


def test_workers_restarted_while_one_looks_are_one_sentence_and_the_next_look_succeeds(
    engine: Engine, tmp_path: Path
) -> None:
    look = slow_look(engine, tmp_path)
    with ThreadPoolExecutor(1) as readers:
        reading = readers.submit(look.result)
        looking_worker(engine)
        engine._client.restart()
        with pytest.raises(LookFailed, match="restarted or closed"):
            reading.result(PATIENCE)
    assert engine.look("architectures").result(PATIENCE)["timm"]


def test_a_fault_of_the_program_is_one_sentence(engine: Engine) -> None:
    with pytest.raises(LookFailed, match="The program failed: TypeError"):
        engine.look("image_table", root=1, classifier="mnist-resnet", images="mnist").result(PATIENCE)


def test_who_waits_while_the_engine_closes_is_told(tmp_path: Path) -> None:
    engine = Engine(Store(tmp_path))
    look = slow_look(engine, tmp_path)
    with ThreadPoolExecutor(1) as readers:
        reading = readers.submit(look.result)
        engine.close()
        with pytest.raises(LookFailed, match="restarted or closed"):
            reading.result(PATIENCE)
    with pytest.raises(LookFailed, match="restarted or closed"):
        look.result()
    with pytest.raises(LookFailed, match="restarted or closed"):
        engine.look("architectures")
