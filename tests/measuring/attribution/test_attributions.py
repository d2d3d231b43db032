"""Attributions and adversarial neighbours of a finished run."""

import numpy as np
import pytest

from tests.finished import FinishedRun
from unlearn_core.artifacts.adversarial_neighbours import read_adversarial_neighbours
from unlearn_core.artifacts.attribution_maps import read_attributions
from unlearn_core.common.rank_correlation import rank_correlation
from unlearn_core.errors import UserError
from unlearn_core.measuring.attribution.adversarial_neighbours import RADIUS, write_neighbours
from unlearn_core.measuring.attribution.explain import similarity, write_attributions
from unlearn_core.measuring.attribution.registry import algorithm_entry, offered
from unlearn_core.measuring.attribution.request import AttributionRequest
from unlearn_core.measuring.finished_run import load_finished_run
from unlearn_core.store.runs import Store


def test_equal_maps_are_wholly_alike_and_opposite_ones_are_not() -> None:
    one = np.random.default_rng(0).normal(size=(28, 28)).astype(np.float32)
    assert similarity(one, one) == pytest.approx(1)
    assert rank_correlation(one, one) == pytest.approx(1)
    assert rank_correlation(one, -one) == pytest.approx(-1)
    assert np.isnan(rank_correlation(one, 0 * one))


def test_a_run_is_explained_before_and_after(cached_store: Store, finished: str) -> None:
    result = cached_store.get(finished).parsed_result()
    assert result is not None
    ids = [*result.ids, 3]
    request = AttributionRequest.parse(finished, ids, "integrated-gradients")
    path = write_attributions(cached_store.root, request)
    with np.load(path) as kept:
        assert kept["ids"].tolist() == ids
        assert kept["inputs"].shape == (3, 28, 28, 1)
        assert kept["before"].shape == kept["after"].shape == (3, 28, 28)
        assert not np.array_equal(kept["before"], kept["after"])
        assert (kept["rank_correlation"] <= 1).all()
    changed = path.stat().st_mtime_ns
    assert write_attributions(cached_store.root, request) == path
    assert path.stat().st_mtime_ns == changed
    path.write_bytes(np.random.default_rng(0).bytes(1000))
    assert read_attributions(write_attributions(cached_store.root, request)).ids.tolist() == ids


@pytest.mark.parametrize(
    ("ids", "algorithm", "target", "sentence"),
    [
        ([], "saliency", "label", "Choose 1 to 64"),
        ([3], "magic", "label", "no algorithm magic; available:"),
        ([99999], "saliency", "label", "no picture 99999"),
        ([3], "saliency", "10", "10 is not a class"),
        ([3], "saliency", "old", "old is not a class"),
    ],
)
def test_what_cannot_be_explained_is_one_sentence(
    cached_store: Store, finished: str, ids: list[int], algorithm: str, target: str, sentence: str
) -> None:
    with pytest.raises(UserError, match=sentence):
        write_attributions(cached_store.root, AttributionRequest.parse(finished, ids, algorithm, target))


def test_a_run_without_weights_is_one_sentence(store: Store, finished_run: FinishedRun) -> None:
    run = finished_run.copy_to(store)
    (store.folder(run.id) / "weights.safetensors").unlink()
    with pytest.raises(UserError, match="has no weights"):
        write_attributions(store.root, AttributionRequest.parse(run.id, [3], "saliency"))
    (store.folder(run.id) / "weights.safetensors").write_bytes(b"damaged")
    with pytest.raises(UserError, match="damaged"):
        write_attributions(store.root, AttributionRequest.parse(run.id, [4], "saliency"))


def test_grad_cam_is_offered_at_other_layers_too(cached_store: Store, finished: str) -> None:
    names = [entry.name for entry in offered("mnist-resnet") if entry.name.startswith("layer-gradcam")]
    assert names == ["layer-gradcam", "layer-gradcam:network.layer1", "layer-gradcam:network.layer3"]
    assert algorithm_entry(names[1]).title == "Grad-CAM at layer1"
    maps = [
        read_attributions(
            write_attributions(cached_store.root, AttributionRequest.parse(finished, [3], name))
        ).before
        for name in names
    ]
    assert not np.allclose(maps[0], maps[1])
    with pytest.raises(UserError, match="is not valid for"):
        write_attributions(
            cached_store.root, AttributionRequest.parse(finished, [3], "layer-gradcam:network.fc")
        )


def test_an_adversarial_neighbour_is_near_and_was_seen_as_another_class(
    cached_store: Store, finished: str
) -> None:
    ids = cached_store.get(finished).parsed_result().ids  # type: ignore[union-attr]
    request = AttributionRequest.parse(finished, ids, "saliency")
    found = read_adversarial_neighbours(write_neighbours(cached_store.root, request))
    assert found.ids.tolist() == list(ids)
    right = np.flatnonzero(found.seen_before == found.targets)
    assert len(right)
    assert found.distances.max() <= RADIUS + 1e-4
    assert found.before.shape == found.after.shape == found.inputs.shape[:3]
    own = load_finished_run(cached_store.root, finished)
    distance = np.linalg.norm(
        (found.inputs / 255.0 - own.pictures(ids) / 255.0).reshape(len(ids), -1), axis=1
    )
    np.testing.assert_allclose(distance, found.distances, atol=0.1)
