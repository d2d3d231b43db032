"""Looks under stress: many impatient readers, and workers that die on the way."""

import os
import threading

import psutil
import pytest

from tests.waiting import PATIENCE
from unlearn_core.engine.additions import ArchitecturesRequest
from unlearn_core.engine.engine import Engine
from unlearn_core.engine.looks import ImageTableRequest, NeighbourMapRequest
from unlearn_core.engine.pending import Look
from unlearn_core.errors import UserError

READERS, LOOKS = 4, 60


def test_impatient_readers_spoil_nothing_for_each_other(engine: Engine) -> None:
    names: list[object] = []
    faults: list[BaseException] = []
    for _ in range(LOOKS):
        look = engine.look(ArchitecturesRequest())

        def read(look: Look[dict[str, list[str]]] = look) -> None:
            try:
                while not look.wait(0.0005):
                    pass
                names.append(look.result())
            except BaseException as fault:
                faults.append(fault)

        readers = [threading.Thread(target=read) for _ in range(READERS)]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join(PATIENCE)
    assert not faults
    assert len(names) == READERS * LOOKS
    assert all(found == names[0] for found in names)


def test_a_worker_that_dies_is_one_sentence_and_the_next_look_works(engine: Engine) -> None:
    asked = ImageTableRequest("mnist-resnet", "mnist")
    look = engine.look(asked)
    workers = engine._cluster.client.run(os.getpid)
    (worker,) = (pid for address, pid in workers.items() if _lane_of(engine, address) == "look-0")
    psutil.Process(worker).kill()
    assert look.wait(PATIENCE)
    with pytest.raises(UserError, match="worker process died"):
        look.result()
    again = engine.look(asked)
    assert again is not look
    assert again.wait(PATIENCE)
    assert again.result().exists()


def test_a_look_that_was_taken_back_is_one_sentence_and_not_handed_out_again(engine: Engine) -> None:
    asked = NeighbourMapRequest("mnist-resnet", "mnist")
    look = engine.look(asked)
    look._future.cancel()
    assert look.wait(PATIENCE)
    with pytest.raises(UserError, match="try again"):
        look.result()
    assert engine.look(asked) is not look


def _lane_of(engine: Engine, address: str) -> str:
    return str(engine._cluster.client.scheduler_info()["workers"][address]["name"])
