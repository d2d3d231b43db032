"""Everything works on a device that is not the CPU: a pretended one (`pretend_device.py`), or a GPU.

`test_devices.py` runs this file in a process of its own: torch must know a device before its first backward
pass.
"""

import importlib
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.chosen_device import PRETEND, only
from tests.quick import QUICK, SMALL
from unlearn_core import load_classifier, load_images, unlearn
from unlearn_core.catalog.custom.add_classifier import add_classifier
from unlearn_core.catalog.image_sets import ImageSet
from unlearn_core.catalog.records.classifier_record import ClassifierSpecification
from unlearn_core.catalog.sources.add_image_set import add_image_set
from unlearn_core.common.devices import choose_device
from unlearn_core.engine import looks
from unlearn_core.engine.looks import LookRequest
from unlearn_core.forgetting.registry import method_entry, methods
from unlearn_core.jobs.carry_out import run_forget
from unlearn_core.measuring.attribution.registry import offered
from unlearn_core.measuring.attribution.request import AttributionRequest
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.runs import Store
from unlearn_core.store.snapshots import snapshot_steps

SIDE, CUSTOM = 32, "mine"
TOLERANCE = {PRETEND: 5e-3, "cuda": 2e-2}
"""Of the largest value. cuDNN's convolutions round their inputs to TF32, which has ten bits."""
KIND = "cuda" if torch.cuda.is_available() else PRETEND
if KIND == PRETEND:
    # With it torch no longer works with a GPU.
    importlib.import_module("tests.pretend_device")


@pytest.fixture
def device() -> Iterator[torch.device]:
    with only(KIND) as device:
        yield device


@pytest.fixture
def some_digits() -> ImageSet:
    return few(load_images("mnist", load_classifier("mnist-resnet")))


def few(images: ImageSet) -> ImageSet:
    """Return the first training pictures of an image set and as many of its test pictures."""
    places = np.concatenate([np.flatnonzero(images.is_test == test)[:72] for test in (False, True)])
    return replace(
        images,
        pixels=images.pixels[places],
        labels=images.labels[places],
        ids=images.ids[places],
        labelled=images.labelled[places],
        is_test=images.is_test[places],
    )


def test_it_refuses_what_a_real_device_refuses(device: torch.device) -> None:
    ours, theirs = torch.rand(3, 2).to(device), torch.rand(3, 2)
    for mix in (
        lambda: ours + theirs,
        lambda: theirs.add_(ours),
        lambda: torch.cat([ours, theirs]),
        lambda: theirs[ours[:, 0] > 0],
        lambda: torch.nn.Linear(2, 2)(ours),
        lambda: torch.randn(3, device=device, generator=torch.Generator()),
    ):
        with pytest.raises(RuntimeError):
            mix()
    with pytest.raises((RuntimeError, TypeError)):
        ours.numpy()


def test_it_calculates_as_the_cpu_does(device: torch.device) -> None:
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Flatten())
    pixels = torch.rand(2, 3, 5, 5)
    gradients = []
    for place in (torch.device("cpu"), device):
        network.to(place).zero_grad()
        network(pixels.to(place)).square().sum().backward()
        gradients.append([weights.grad.cpu() for weights in network.parameters() if weights.grad is not None])
    assert len(gradients[0]) == 4
    for cpu, other in zip(*gradients, strict=True):
        assert torch.allclose(cpu, other, atol=1e-4)


def test_it_is_the_device_that_is_chosen(device: torch.device) -> None:
    assert choose_device("auto").type == KIND
    assert choose_device("cpu").type == "cpu"


@pytest.mark.parametrize("name", [entry.name for entry in methods()])
def test_every_method(name: str, some_digits: ImageSet) -> None:
    entry = method_entry(name)
    own = {option.name for option in entry.options}
    with only(KIND):
        found = unlearn(
            load_classifier("mnist-resnet"),
            some_digits,
            pick="ids:0,1",
            method=name,
            options={option: value for option, value in SMALL.items() if option in own},
            retained=64 if entry.retained_data == "needed" else 0,
            max_steps=2,
        )
    assert found.result.device.startswith(KIND)
    assert found.result.depth is not None


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a home with a custom classifier and an image set of sixteen pictures."""
    root, folder = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("pictures")
    random = np.random.default_rng(0)
    for number in range(16):
        path = folder / f"{number % 4}" / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(random.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)).save(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UNLEARN_HOME", str(root))
        asked = ClassifierSpecification(source="timm:test_resnet:random", classes=4, input_size=SIDE)
        add_classifier(root, asked.model_copy(update={"name": CUSTOM}))
        add_image_set(root, "noise", f"folder:{folder}")
        yield root


@pytest.fixture(scope="module")
def last_of_a_chain(home: Path) -> str:
    """Return the second run of a chain by the custom classifier; it relabels."""
    store, last = Store(home), None
    with only(KIND):
        for goal, one in (("misclassify", 0), ("relabel", 1)):
            request = ForgetRequest.parse(
                classifier=CUSTOM,
                images="noise",
                pick=f"ids:{one}",
                goal=goal,
                options=QUICK,
                max_steps=3,
                after=last,
            )
            last = store.create(request).id
            run_forget(store, last)
    assert last is not None
    result = store.get(last).parsed_result()
    assert result is not None
    assert result.device.startswith(KIND)
    assert len(result.earlier) == 1
    return last


def every_look(run: str, step: int) -> Iterator[LookRequest[Path]]:
    """Yield every question about a run that is answered with measurements."""
    yield looks.ImageTableRequest(CUSTOM, "noise")
    yield looks.ImageMapRequest(CUSTOM, "noise")
    yield looks.NeighbourMapRequest(CUSTOM, "noise")
    yield looks.InterpolationRequest(run)
    yield looks.PointRequest(run, 0.5)
    yield looks.DriftRequest(run)
    yield looks.FilterRequest(run, "network.fc", 3)
    yield looks.RetainImportanceRequest(run)
    yield looks.WeightDifferenceRequest(run, classifier=CUSTOM)
    film = AttributionRequest.parse(run, (1, 2), "saliency")
    yield looks.ReplayRequest(film)
    yield looks.FrameRequest(film, step)
    for algorithm in offered(CUSTOM):
        asked = AttributionRequest.parse(run, (1, 2), algorithm.name, "contrast")
        yield looks.AttributionMapsRequest(asked)
        if algorithm.is_quick:
            yield looks.SanityCheckRequest(asked)
            yield looks.AttributionQualityRequest(asked)
    yield looks.NeighboursRequest(AttributionRequest.parse(run, (1, 2), "saliency"))


def test_every_look_works_and_finds_what_the_cpu_finds(
    home: Path, last_of_a_chain: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied = shutil.copytree(home, tmp_path / "copied")
    step = snapshot_steps(Store(home).folder(last_of_a_chain) / "snapshots")[-1]
    for asked in every_look(last_of_a_chain, step):
        found = []
        for root, device in ((copied, "cpu"), (home, KIND)):
            monkeypatch.setenv("UNLEARN_HOME", str(root))
            with only(device), np.load(asked.answer(root), allow_pickle=False) as arrays:
                found.append(dict(arrays))
        for name, expected in found[0].items():
            same = np.shape(found[1][name]) == expected.shape
            # t-SNE turns the smallest difference into another layout.
            if name != "places" and same and expected.dtype.kind == "f":
                largest = np.nan_to_num(np.abs(expected)).max(initial=0)
                worst = np.nan_to_num(np.abs(found[1][name] - expected)).max(initial=0)
                same = worst <= TOLERANCE[KIND] * max(largest, 1)
            assert same, f"{asked}: {name}"
