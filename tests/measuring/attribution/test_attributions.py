"""Attributions against closed forms on a linear model, and on the classifier that ships."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tests.quick import QUICK
from unlearn_core.artifacts.attribution_maps import read_attributions
from unlearn_core.catalog.classifiers import Classifier, load_classifier
from unlearn_core.catalog.image_sets import load_images
from unlearn_core.errors import UserError
from unlearn_core.jobs.carry_out import run_forget
from unlearn_core.measuring.attribution.adversarial_neighbours import RADIUS, write_neighbours
from unlearn_core.measuring.attribution.explain import (
    attribute,
    rank_correlation,
    similarity,
    write_attributions,
)
from unlearn_core.measuring.attribution.quality import quality, write_attribution_quality
from unlearn_core.measuring.attribution.registry import (
    ALGORITHMS,
    Settings,
    algorithm_entry,
    offered,
    switched_off,
)
from unlearn_core.measuring.finished_run import load_finished_run
from unlearn_core.measuring.predict import to_pixels
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.runs import Store

SIDE = 14
NAMES = [entry.name for entry in ALGORITHMS]


@pytest.fixture
def linear() -> tuple[Classifier, Tensor, Tensor, NDArray[np.float32]]:
    """Return a linear classifier, pictures, targets and the weights that answer for each target."""
    torch.manual_seed(0)
    layer = nn.Linear(SIDE * SIDE, 3)
    module = nn.Sequential(nn.Flatten(), layer).eval().requires_grad_(False)
    classifier = Classifier("linear", module, ("a", "b", "c"), (), 1, SIDE, ())
    targets = torch.tensor([0, 2, 1, 0])
    weights = layer.weight[targets].reshape(-1, SIDE, SIDE).numpy()
    return classifier, torch.rand(4, 1, SIDE, SIDE), targets, weights


def test_on_a_linear_model_every_algorithm_gives_its_closed_form(
    linear: tuple[Classifier, Tensor, Tensor, NDArray[np.float32]],
) -> None:
    classifier, pixels, targets, weights = linear
    products = weights * pixels[:, 0].numpy()
    for name in ("saliency", "smoothgrad"):
        np.testing.assert_allclose(attribute(classifier, pixels, targets, name), abs(weights), atol=1e-6)
    for name in ("input-x-gradient", "integrated-gradients", "deeplift"):
        np.testing.assert_allclose(attribute(classifier, pixels, targets, name), products, atol=1e-6)
    signed = attribute(classifier, pixels, targets, "guided-backprop")
    np.testing.assert_allclose(signed, weights, atol=1e-6)
    # Tiles of 2 × 2: emptying one takes away the sum of its products, which each of its pixels is given.
    tiles = products.reshape(4, 7, 2, 7, 2).sum((2, 4)).repeat(2, 1).repeat(2, 2)
    np.testing.assert_allclose(attribute(classifier, pixels, targets, "feature-ablation"), tiles, atol=1e-5)
    # Windows of 2 × 2 at every place: each pixel gets the mean over the windows that cover it.
    sums = np.stack([p[:-1, :-1] + p[1:, :-1] + p[:-1, 1:] + p[1:, 1:] for p in products])
    occluded = attribute(classifier, pixels, targets, "occlusion")
    inner = (sums[:, :-1, :-1] + sums[:, 1:, :-1] + sums[:, :-1, 1:] + sums[:, 1:, 1:]) / 4
    np.testing.assert_allclose(occluded[:, 1:-1, 1:-1], inner, atol=1e-5)
    np.testing.assert_allclose(occluded[:, 0, 0], sums[:, 0, 0], atol=1e-5)


def test_settings_reach_the_algorithms_that_use_them(
    linear: tuple[Classifier, Tensor, Tensor, NDArray[np.float32]],
) -> None:
    classifier, pixels, targets, weights = linear
    against_white = weights * (pixels[:, 0].numpy() - 1)
    for name in ("integrated-gradients", "deeplift"):
        maps = attribute(classifier, pixels, targets, name, settings=Settings(baseline="white"))
        np.testing.assert_allclose(maps, against_white, atol=1e-6)
    exact = quality(classifier, pixels, targets, "deeplift", 0, Settings(baseline="white"))
    assert np.max(exact["gap"]) < 1e-5
    # Two tiles along a side: each pixel is given the sum of its quarter's products.
    quarters = against_white.reshape(4, 2, 7, 2, 7).sum((2, 4)).repeat(7, 1).repeat(7, 2)
    settings = Settings(baseline="white", patches=2)
    maps = attribute(classifier, pixels, targets, "feature-ablation", settings=settings)
    np.testing.assert_allclose(maps, quarters, atol=1e-5)
    quiet, loud = (
        attribute(classifier, pixels, targets, "gradient-shap", settings=Settings(noise=noise))
        for noise in (1e-6, 0.5)
    )
    products = weights * pixels[:, 0].numpy()
    assert np.abs(quiet - products).max() < np.abs(loud - products).max()


def test_what_an_algorithm_does_not_use_is_no_part_of_its_key() -> None:
    assert Settings(noise=0.2).used_by("saliency") == Settings().used_by("saliency") == []
    assert Settings(patches=4).used_by("occlusion") != Settings().used_by("occlusion")


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"baseline": "purple"}, "no baseline purple; there are empty, black"),
        ({"patches": 1}, "2 to 28 patches"),
        ({"noise": 0.0}, "above 0"),
        ({"noise": float("nan")}, "above 0"),
    ],
)
def test_impossible_settings_are_one_sentence(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        Settings(**settings)


@pytest.fixture(scope="module")
def digits() -> tuple[Classifier, Tensor, Tensor]:
    classifier = load_classifier("mnist-resnet")
    classifier.module.requires_grad_(False)
    images = load_images("mnist", classifier)
    chosen = np.arange(0, 5000, 700)
    return (
        classifier,
        to_pixels(images.pixels[chosen], torch.device("cpu")),
        torch.from_numpy(images.labels[chosen]),
    )


@pytest.mark.parametrize("name", ["integrated-gradients", "deeplift"])
def test_maps_add_up_to_the_change_of_the_score(digits: tuple[Classifier, Tensor, Tensor], name: str) -> None:
    classifier, pixels, targets = digits
    maps = attribute(classifier, pixels, targets, name)
    rows = torch.arange(len(pixels))
    gap = classifier.module(pixels)[rows, targets] - classifier.module(0 * pixels)[rows, targets]
    np.testing.assert_allclose(maps.sum((1, 2)), gap, rtol=0.01)


@pytest.mark.parametrize("name", NAMES)
def test_all_at_once_equals_one_by_one_and_leaves_the_classifier_alone(
    digits: tuple[Classifier, Tensor, Tensor], name: str
) -> None:
    classifier, pixels, targets = digits
    before = {key: tensor.clone() for key, tensor in classifier.module.state_dict().items()}
    logits = classifier.module(pixels)
    maps = attribute(classifier, pixels, targets, name)
    assert maps.shape == (len(pixels), 28, 28)
    assert np.isfinite(maps).all()
    assert abs(maps).max() > 0
    if name not in ("smoothgrad", "gradient-shap"):  # their noise belongs to the whole batch
        alone = attribute(classifier, pixels[2:3], targets[2:3], name)
        np.testing.assert_allclose(alone[0], maps[2], atol=1e-4)
    assert np.array_equal(attribute(classifier, pixels, targets, name), maps)
    for key, tensor in classifier.module.state_dict().items():
        assert torch.equal(tensor, before[key])
    assert torch.equal(classifier.module(pixels), logits)
    assert not any(layer._forward_hooks or layer._backward_hooks for layer in classifier.module.modules())


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
    path = write_attributions(cached_store.root, finished, ids, "integrated-gradients", "label")
    with np.load(path) as kept:
        assert kept["ids"].tolist() == ids
        assert kept["inputs"].shape == (3, 28, 28, 1)
        assert kept["before"].shape == kept["after"].shape == (3, 28, 28)
        assert not np.array_equal(kept["before"], kept["after"])
        assert (kept["rank_correlation"] <= 1).all()
    changed = path.stat().st_mtime_ns
    assert write_attributions(cached_store.root, finished, ids, "integrated-gradients", "label") == path
    assert path.stat().st_mtime_ns == changed


@pytest.mark.parametrize(
    ("ids", "algorithm", "target", "sentence"),
    [
        ([], "saliency", "label", "Choose 1 to 64"),
        ([3], "magic", "label", "no algorithm magic; there are"),
        ([99999], "saliency", "label", "no picture 99999"),
        ([3], "saliency", "10", "10 is no class"),
        ([3], "saliency", "old", "old is no class"),
    ],
)
def test_what_cannot_be_explained_is_one_sentence(
    cached_store: Store, finished: str, ids: list[int], algorithm: str, target: str, sentence: str
) -> None:
    with pytest.raises(UserError, match=sentence):
        write_attributions(cached_store.root, finished, ids, algorithm, target)


def test_a_run_without_weights_is_one_sentence(store: Store) -> None:
    run = store.create(ForgetRequest(pick="hardest:2", options=QUICK))
    run_forget(store, run.id)
    (store.folder(run.id) / "weights.safetensors").unlink()
    with pytest.raises(UserError, match="kept no weights"):
        write_attributions(store.root, run.id, [3], "saliency", "label")
    (store.folder(run.id) / "weights.safetensors").write_bytes(b"damaged")
    with pytest.raises(UserError, match="damaged"):
        write_attributions(store.root, run.id, [4], "saliency", "label")


def test_the_numbers_of_trust_are_zero_where_a_map_is_right(
    cached_store: Store, finished: str, linear: tuple[Classifier, Tensor, Tensor, NDArray[np.float32]]
) -> None:
    with np.load(write_attribution_quality(cached_store.root, finished, [3], "deeplift", "label")) as found:
        assert found["before_gap"][0] < 0.01
        assert 0 < found["before_sensitivity"][0] < 1
    classifier, pixels, targets, _ = linear
    exact = quality(classifier, pixels, targets, "integrated-gradients", 0)
    assert np.max(exact["gap"]) < 1e-5
    assert np.max(exact["infidelity"]) < 0.6


def test_what_is_wrong_on_a_classifier_is_not_offered() -> None:
    assert "deeplift" in [entry.name for entry in offered("mnist-resnet")]
    assert "deeplift" not in [entry.name for entry in offered("imagenet-efficientnet-lite0")]
    assert [title for title, _ in switched_off("mnist-resnet")] == ["LRP"]
    assert {title for title, _ in switched_off("imagenet-efficientnet-lite0")} == {
        "DeepLIFT",
        "Guided backpropagation",
        "LRP",
    }


def test_grad_cam_is_offered_at_other_layers_too(cached_store: Store, finished: str) -> None:
    names = [entry.name for entry in offered("mnist-resnet") if entry.name.startswith("layer-gradcam")]
    assert names == ["layer-gradcam", "layer-gradcam:network.layer1", "layer-gradcam:network.layer3"]
    assert algorithm_entry(names[1]).title == "Grad-CAM at layer1"
    maps = [
        read_attributions(write_attributions(cached_store.root, finished, [3], name, "label")).before
        for name in names
    ]
    assert not np.allclose(maps[0], maps[1])
    with pytest.raises(UserError, match="would give a wrong picture"):
        write_attributions(cached_store.root, finished, [3], "layer-gradcam:network.fc", "label")


def test_an_adversarial_neighbour_is_near_and_was_seen_as_another_class(
    cached_store: Store, finished: str
) -> None:
    ids = cached_store.get(finished).parsed_result().ids  # type: ignore[union-attr]
    with np.load(write_neighbours(cached_store.root, finished, ids, "saliency")) as found:
        right = np.flatnonzero(found["seen_before"] == found["targets"])
        assert len(right)
        assert found["distances"].max() <= RADIUS + 1e-4
        assert found["before"].shape == found["after"].shape == found["inputs"].shape[:3]
        own = load_finished_run(cached_store.root, finished)
        distance = np.linalg.norm(
            (found["inputs"] / 255.0 - own.pictures(ids) / 255.0).reshape(len(ids), -1), axis=1
        )
        np.testing.assert_allclose(distance, found["distances"], atol=0.1)
