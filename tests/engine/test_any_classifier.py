"""The whole job on networks that nobody described: pick, forget, weights, attributions, every closer look."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from unlearn_core.artifacts.weight_maps import read_weight_maps
from unlearn_core.catalog.custom.add_classifier import add_classifier
from unlearn_core.catalog.records.classifier_record import ClassifierSpecification
from unlearn_core.engine.looks import (
    AttributionMapsRequest,
    AttributionQualityRequest,
    DriftRequest,
    FilterRequest,
    FrameRequest,
    ImageMapRequest,
    InterpolationRequest,
    PointRequest,
    ReplayRequest,
    RetainImportanceRequest,
)
from unlearn_core.jobs.carry_out import run_forget
from unlearn_core.measuring.attribution.registry import offered
from unlearn_core.measuring.attribution.request import AttributionRequest
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.runs import Store

NETWORKS = (
    *("torchvision:resnet18", "torchvision:mobilenet_v2", "torchvision:squeezenet1_1"),
    # timm's smallest of a family.
    *("timm:test_vit", "timm:test_convnext", "timm:test_nfnet"),
)
QUICKEST: dict[str, float | int] = {"examples": 4, "inversions": 0, "anchor_batch": 4, "sparing": 0}


@pytest.fixture
def pictures(tmp_path: Path) -> str:
    random = np.random.default_rng(0)
    for place in range(6):
        path = tmp_path / "pictures" / ("train" if place < 4 else "test") / f"{place}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 256, (40, 40, 3), np.uint8)).save(path)
    return f"folder:{tmp_path / 'pictures'}"


@pytest.mark.slow
@pytest.mark.parametrize("network", NETWORKS)
def test_the_whole_job(own_home: Path, pictures: str, network: str) -> None:
    specification = ClassifierSpecification(
        source=f"{network}:random", classes=5, input_size=32, name=network
    )
    add_classifier(own_home, specification)
    store, root = Store(own_home), own_home
    request = ForgetRequest(
        classifier=network, images=pictures, pick="random:1", max_steps=2, options=QUICKEST
    )
    run = store.create(request)
    run_forget(store, run.id)
    result = store.get(run.id).parsed_result()
    assert result is not None
    assert (result.k, result.agreement.test is None) == (1, False)
    maps = read_weight_maps(store.folder(run.id))
    assert any(change.any() for change in maps.change)
    with np.load(ImageMapRequest(network, pictures).answer(root)) as found:
        assert np.isfinite(found["places"]).all()
    with np.load(DriftRequest(run.id).answer(root)) as found:
        assert np.isfinite(found["cka"]).any()
        # Not the logits: those of an untrained network hardly differ between pictures, and forgetting one
        # picture changes them more than that.
        assert np.nanmin(found["cka"][:-1]) > 0.1
        assert np.nanmax(found["cka"]) <= 1.001
    with np.load(FilterRequest(run.id, maps.layers[0], 1).answer(root)) as found:
        assert found["kernels_before"].ndim == 3
        assert np.isfinite(found["kernels_after"]).all()
    entries = offered(network)
    assert {"saliency", "smoothgrad"} <= {entry.name for entry in entries}
    after = {}
    for entry in entries:
        asked = AttributionRequest.parse(run.id, result.ids, entry.name)
        with np.load(AttributionMapsRequest(asked).answer(root)) as found:
            assert found["before"].shape == (1, 32, 32), entry.name
            assert np.isfinite(found["before"]).all(), entry.name
            after[entry.name] = found["after"]
    # torchvision starts the last layer of some networks at zero: before the run no pixel matters.
    assert after["saliency"].any()
    closest_looks(root, run.id, list(result.ids), len(maps.layers))


def closest_looks(root: Path, run_id: str, ids: list[int], layers: int) -> None:
    with np.load(InterpolationRequest(run_id).answer(root)) as found:
        between = found["all_strengths"][1]
        assert found["strengths"].tolist() == [0, 1]
    with np.load(PointRequest(run_id, float(between)).answer(root)) as found:
        assert found["strengths"].tolist() == [between]
    request = AttributionRequest.parse(run_id, ids, "saliency")
    with np.load(ReplayRequest(request).answer(root)) as found:
        assert len(found["maps"]) == len(found["steps"]) == 2
        assert np.isfinite(found["maps"]).all()
        between = found["all_steps"][1]
    with np.load(FrameRequest(request, int(between)).answer(root)) as found:
        assert np.isfinite(found["maps"]).all()
    with np.load(RetainImportanceRequest(run_id).answer(root)) as found:
        assert all(0 <= found[name].min() <= found[name].max() <= 1 for name in found.files)
        assert len(found.files) == layers
    with np.load(AttributionQualityRequest(request).answer(root)) as found:
        assert np.isfinite(found["before_infidelity"]).all()
