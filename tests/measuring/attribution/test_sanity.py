"""Maps of shuffled weights, and deletion and insertion curves."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unlearn_core.artifacts.attribution_maps import NO_CLASS
from unlearn_core.artifacts.attribution_quality import read_attribution_quality
from unlearn_core.artifacts.attribution_sanity import read_sanity_check
from unlearn_core.catalog.classifiers import Classifier
from unlearn_core.catalog.custom.introspect import last_layer
from unlearn_core.measuring.attribution.contrast import Explained
from unlearn_core.measuring.attribution.deletion import deletion_and_insertion
from unlearn_core.measuring.attribution.quality import write_attribution_quality
from unlearn_core.measuring.attribution.request import AttributionRequest
from unlearn_core.measuring.attribution.sanity import shuffled, write_sanity_check
from unlearn_core.store.runs import Store

Linear = tuple[Classifier, Tensor, Tensor, NDArray[np.float32]]
Digits = tuple[Classifier, Tensor, Tensor]


def test_shuffled_weights_keep_their_values_and_lose_their_places(digits: Digits) -> None:
    classifier, pixels, _ = digits
    before = {name: tensor.clone() for name, tensor in classifier.module.state_dict().items()}
    assert last_layer(classifier.module, pixels) == "network.fc"
    for layer in ("network.fc", ""):
        other = shuffled(classifier, 0, layer).module.state_dict()
        moved = {name for name, tensor in other.items() if not torch.equal(tensor, before[name])}
        assert moved >= {"network.fc.weight", "network.fc.bias"}
        assert ("network.conv1.weight" in moved) == (layer == "")
        assert not any("running" in name for name in moved)
        for name in moved:
            assert torch.equal(other[name].flatten().sort()[0], before[name].flatten().sort()[0])
    again = shuffled(classifier, 0).module.state_dict()
    assert all(torch.equal(again[name], tensor) for name, tensor in other.items())
    assert all(torch.equal(tensor, before[name]) for name, tensor in classifier.module.state_dict().items())


def test_maps_of_shuffled_weights_are_others_unless_they_only_show_the_picture(
    cached_store: Store, finished: str
) -> None:
    ids = (3, 14, 46)
    found = {
        name: read_sanity_check(
            write_sanity_check(cached_store.root, AttributionRequest.parse(finished, ids, name, target))
        )
        for name, target in (("deeplift", "contrast"), ("guided-backprop", "label"))
    }
    right = found["deeplift"]
    assert right.ids.tolist() == list(ids)
    assert right.trained.shape == right.last_layer.shape == right.all_layers.shape == (3, 28, 28)
    assert abs(np.median(right.last_layer_correlation)) < 0.4
    assert abs(np.median(right.all_layers_correlation)) < 0.4
    assert np.median(found["guided-backprop"].last_layer_correlation) > 0.8


def test_curves_of_a_linear_model_are_known(linear: Linear) -> None:
    classifier, pixels, targets, weights = linear
    pixels = torch.ones_like(pixels)
    against = np.array([1, 0, 2, NO_CLASS])
    asked = Explained(targets.numpy(), against)
    deleted, inserted = deletion_and_insertion(classifier, pixels, asked, weights, 0.0)
    assert deleted.shape == inserted.shape == (4, 11)
    full, empty = (classifier.module(one).double() for one in (pixels, 0 * pixels))
    for logits, curve, other in ((full, deleted, inserted), (empty, inserted, deleted)):
        pair = (logits[0, 0] - logits[0, 1]).sigmoid()
        np.testing.assert_allclose([curve[0, 0], other[0, -1]], pair, rtol=1e-6)
        np.testing.assert_allclose([curve[3, 0], other[3, -1]], logits.softmax(1)[3, 0], rtol=1e-6)
    # The first half of the pixels are those with the highest weights: without them the score is lowest.
    order = np.argsort(-weights[3].ravel())
    halved = pixels[3:].clone()
    halved.flatten()[order[: len(order) // 2]] = 0
    np.testing.assert_allclose(deleted[3, 5], classifier.module(halved).double().softmax(1)[0, 0], rtol=1e-5)


def test_a_good_map_loses_the_class_sooner_than_a_random_one(digits: Digits) -> None:
    classifier, pixels, labels = digits
    asked = Explained(labels.numpy(), np.full(len(labels), NO_CLASS))
    ink = pixels[:, 0].numpy()
    noise = np.random.default_rng(0).normal(size=ink.shape).astype(np.float32)
    by_ink, by_noise = (
        deletion_and_insertion(classifier, pixels, asked, maps, 0.0)[0].mean() for maps in (ink, noise)
    )
    assert by_ink < by_noise - 0.1


def test_the_report_of_quality_speaks_of_the_contrast(cached_store: Store, finished: str) -> None:
    request = AttributionRequest.parse(finished, [3], "deeplift", "contrast")
    found = read_attribution_quality(write_attribution_quality(cached_store.root, request))
    assert found.before.convergence_delta[0] < 0.01
    assert found.deletion.shape == found.insertion.shape == (1, 2, 11)
    # Before, all of the picture says its label rather than the runner-up.
    assert found.deletion[0, 0, 0] == found.insertion[0, 0, -1] > 0.5
    assert found.deletion[0, 0].min() < 0.5
