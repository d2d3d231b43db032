"""The engine on a GPU: both lanes use it, and batches shrink when its memory runs out."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from tests.quick import QUICK
from tests.waiting import wait_until
from unlearn_core import load_classifier, load_images, unlearn
from unlearn_core.common.batches import in_batches
from unlearn_core.engine.engine import Engine
from unlearn_core.engine.looks import AttributionMapsRequest
from unlearn_core.measuring.attribution.request import AttributionRequest
from unlearn_core.measuring.predict import predict
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.rows import UNDER_WAY
from unlearn_core.store.runs import Store

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="There is no GPU."),
]


@pytest.fixture
def engine(store: Store) -> Iterator[Engine]:
    engine = Engine(store)
    yield engine
    engine.close()


@pytest.fixture
def little_memory() -> Iterator[None]:
    """Leave this process a hundredth of the GPU's memory, and at most half a gigabyte."""
    total = torch.cuda.mem_get_info()[1]
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(min(0.01, 2**29 / total))
    yield
    torch.cuda.set_per_process_memory_fraction(1.0)


def test_two_runs_at_once_and_a_look_at_them(engine: Engine) -> None:
    runs = engine.submit_all([ForgetRequest(pick=pick, options=QUICK) for pick in ("ids:0", "ids:1")])
    wait_until(lambda: all(engine.store.get(run).state not in UNDER_WAY for run in runs))
    for run, one in zip(runs, (0, 1), strict=True):
        result = engine.store.get(run).parsed_result()
        assert result is not None
        assert result.device.startswith("cuda")
        look = engine.look(AttributionMapsRequest(AttributionRequest.parse(run, (one,), "saliency")))
        assert look.result().exists()


def test_predictions_that_do_not_fit_are_made_in_smaller_batches(little_memory: None) -> None:
    network = torch.nn.Sequential(
        torch.nn.Conv2d(3, 64, 3, padding=1), torch.nn.Flatten(), torch.nn.LazyLinear(2)
    )
    network.eval()(torch.zeros(1, 3, 64, 64))
    pictures = np.random.default_rng(0).integers(0, 256, (1024, 64, 64, 3), dtype=np.uint8)
    labels = np.zeros(len(pictures), np.int64)
    expected = predict(network, pictures, labels, torch.device("cpu"))
    found = predict(network.cuda(), pictures, labels, torch.device("cuda"))
    assert (found.classes == expected.classes).mean() > 0.99


def test_the_batch_is_halved_until_it_fits(little_memory: None) -> None:
    sizes: list[int] = []

    def work(part: slice) -> None:
        torch.empty((part.stop - part.start) * 2**20, device="cuda")
        sizes.append(part.stop - part.start)

    list(in_batches(work, 1024, 1024))
    assert sizes[0] < 1024
    assert sum(sizes) == 1024


def test_steps_that_do_not_fit_are_repeated_with_smaller_batches(little_memory: None) -> None:
    classifier = load_classifier("mnist-resnet")
    found = unlearn(
        classifier,
        load_images("mnist", classifier),
        pick="random:2",
        options={"depth": 0, "examples": 64, "inversions": 0, "anchor_batch": 4096, "deformed": 4096},
        max_steps=2,
    )
    assert any(remark.startswith("Memory ran out") for remark in found.result.remarks)
