"""Contrasts, the difference of two classes' scores: closed forms, signs, completeness and pairs of a run."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, fx, nn

from tests.measuring.attribution.conftest import SIDE
from unlearn_core.artifacts.attribution_maps import NO_CLASS, read_attributions
from unlearn_core.catalog.classifiers import Classifier
from unlearn_core.errors import UserError
from unlearn_core.measuring.attribution.contrast import Explained, explained
from unlearn_core.measuring.attribution.convergence import convergence_delta
from unlearn_core.measuring.attribution.explain import attribute, write_attributions
from unlearn_core.measuring.attribution.registry import algorithm_entry, offered
from unlearn_core.measuring.attribution.request import AttributionRequest
from unlearn_core.measuring.finished_run import load_finished_run
from unlearn_core.store.runs import Store

Linear = tuple[Classifier, Tensor, Tensor, NDArray[np.float32]]
Digits = tuple[Classifier, Tensor, Tensor]
OFFERED = [entry.name for entry in offered("mnist-resnet")]
AGAINST = np.array([1, 0, 2, NO_CLASS])
"""Of the linear model's four pictures; the last one has no opponent."""


def mixed(targets: Tensor) -> Explained:
    return Explained(targets.numpy(), AGAINST)


def pairs_of(labels: Tensor, distance: int = 3) -> tuple[Explained, Explained]:
    """Return contrasts of each label with another class, and the same with the classes exchanged."""
    first, second = labels.numpy(), (labels.numpy() + distance) % 10
    return Explained(first, second), Explained(second, first)


def test_contrasts_have_their_closed_form_on_a_linear_model(linear: Linear) -> None:
    classifier, pixels, targets, _ = linear
    layer = classifier.module[1]  # type: ignore[index]
    assert isinstance(layer, nn.Linear)
    rows = layer.weight.numpy()
    other = np.where(AGAINST[:, None] == NO_CLASS, 0, rows[AGAINST])
    weights = (rows[targets.numpy()] - other).reshape(-1, SIDE, SIDE)
    products = weights * pixels[:, 0].numpy()
    tiles = products.reshape(4, 7, 2, 7, 2).sum((2, 4)).repeat(2, 1).repeat(2, 2)
    wider, columns = mixed(targets).within(classifier)
    for name, right in {
        **dict.fromkeys(("saliency", "smoothgrad"), abs(weights)),
        **dict.fromkeys(("input-x-gradient", "integrated-gradients", "deeplift"), products),
        "guided-backprop": weights,
        "feature-ablation": tiles,
    }.items():
        np.testing.assert_allclose(attribute(wider, pixels, columns, name), right, atol=1e-5)


def test_the_scores_of_a_pair_are_its_logits(linear: Linear) -> None:
    classifier, pixels, targets, _ = linear
    logits, asked = classifier.module(pixels).numpy(), mixed(targets)
    scores = asked.scores(classifier, pixels)
    np.testing.assert_array_equal(scores[:, 0], logits[range(4), targets])
    np.testing.assert_array_equal(scores[:3, 1], logits[range(3), AGAINST[:3]])
    assert np.isnan(scores[3, 1])
    wider, columns = asked.within(classifier)
    outputs = wider.module(pixels).numpy()
    np.testing.assert_allclose(outputs[range(3), columns[:3]], scores[:3, 0] - scores[:3, 1], atol=1e-6)
    np.testing.assert_array_equal(outputs[:, :3], logits)
    assert [wider.class_names[column] for column in columns] == ["a − b", "c − a", "b − c", "a"]


@pytest.mark.parametrize("name", OFFERED)
def test_signed_algorithms_turn_round_when_the_classes_are_exchanged(digits: Digits, name: str) -> None:
    classifier, pixels, labels = digits
    pixels, labels = pixels[:3], labels[:3]
    one, other = (
        attribute(wider, pixels, columns, name)
        for wider, columns in (asked.within(classifier) for asked in pairs_of(labels))
    )
    turned = np.abs(one + other).max() < 1e-3 * np.abs(one).max()
    assert turned == algorithm_entry(name).signed


@pytest.mark.parametrize("name", ["input-x-gradient", "gradient-shap", "occlusion", "deeplift"])
def test_a_contrast_is_the_difference_of_two_maps(digits: Digits, name: str) -> None:
    classifier, pixels, labels = digits
    asked, _ = pairs_of(labels)
    wider, columns = asked.within(classifier)
    first, second = (
        attribute(classifier, pixels, torch.from_numpy(classes), name)
        for classes in (asked.targets, asked.against)
    )
    maps = attribute(wider, pixels, columns, name)
    np.testing.assert_allclose(maps, first - second, atol=1e-4 * np.abs(first).max())


@pytest.mark.parametrize("name", ["integrated-gradients", "deeplift"])
def test_contrast_maps_add_up_to_the_change_of_the_difference(digits: Digits, name: str) -> None:
    classifier, pixels, labels = digits
    pixels, labels = pixels.repeat(3, 1, 1, 1), labels.repeat(3)
    distance = torch.arange(len(labels)) // 8 + 1
    asked = Explained(labels.numpy(), ((labels + distance) % 10).numpy())
    wider, columns = asked.within(classifier)
    maps = torch.from_numpy(attribute(wider, pixels, columns, name))[:, None]
    assert (convergence_delta(wider, pixels, columns, maps, 0.0) <= 0.01).float().mean() >= 0.95


def test_layers_keep_their_names_and_tracing_works(digits: Digits) -> None:
    classifier, pixels, labels = digits
    wider, _ = pairs_of(labels)[0].within(classifier)
    children = dict(classifier.module.named_modules())
    assert {name: one for name, one in wider.module.named_modules() if name} == {
        name: one for name, one in children.items() if name
    }
    traced = fx.symbolic_trace(wider.module)
    assert torch.equal(traced(pixels), wider.module(pixels))


def test_a_label_stands_against_what_is_predicted_instead(cached_store: Store, finished: str) -> None:
    run = load_finished_run(cached_store.root, finished)
    result = cached_store.get(finished).parsed_result()
    assert result is not None
    ids = [*result.ids, 3]
    asked = explained(run, ids, "contrast")
    labels, new = run.targets(ids, "label"), run.targets(ids, "new")
    np.testing.assert_array_equal(asked.targets, labels)
    np.testing.assert_array_equal(asked.against[labels != new], new[labels != new])
    (kept,) = np.flatnonzero(labels == new)
    logits = run.before.module(run.pixels(ids))[kept]
    assert asked.against[kept] == logits.argsort(descending=True)[1]

    path = write_attributions(
        cached_store.root, AttributionRequest.parse(finished, ids, "deeplift", "contrast")
    )
    shown = read_attributions(path)
    np.testing.assert_array_equal(shown.against, asked.against)
    differences = shown.scores_before[:, 0] - shown.scores_before[:, 1]
    empty = run.before.module(torch.zeros(1, 1, 28, 28))[0].numpy()
    gap = differences - (empty[asked.targets] - empty[asked.against])
    np.testing.assert_allclose(shown.before.sum((1, 2)), gap, rtol=0.01)
    assert (shown.scores_after[: len(result.ids), 0] < shown.scores_after[: len(result.ids), 1]).all()


def test_any_two_classes_can_be_asked_for(cached_store: Store, finished: str) -> None:
    run = load_finished_run(cached_store.root, finished)
    asked = explained(run, [3, 14], "3-8")
    assert (asked.targets.tolist(), asked.against.tolist()) == ([3, 3], [8, 8])
    alone = explained(run, [3], "7")
    assert (alone.targets.tolist(), alone.against.tolist()) == ([7], [NO_CLASS])
    assert alone.within(run.before)[0] is run.before


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        ("3-10", "10 is not a class"),
        ("10-3", "10 is not a class"),
        ("3-3", "two different classes, not 3-3"),
        ("3-", "3- is not a class"),
        ("contrasts", "contrasts is not a class"),
    ],
)
def test_what_is_no_contrast_is_one_sentence(
    cached_store: Store, finished: str, target: str, sentence: str
) -> None:
    with pytest.raises(UserError, match=sentence):
        write_attributions(cached_store.root, AttributionRequest.parse(finished, [3], "saliency", target))
