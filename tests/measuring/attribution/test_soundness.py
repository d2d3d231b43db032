"""Which algorithms are offered for a network: those that are right on it, as measured."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from captum.attr import DeepLift as CaptumDeepLift
from captum.attr import GuidedBackprop as CaptumGuidedBackprop
from captum.attr import IntegratedGradients as CaptumIntegratedGradients
from torch import Tensor

from tests.measuring.attribution.odd_networks import ODD, SIDE, odd_network
from unlearn_core.catalog.classifiers import Classifier, load_classifier
from unlearn_core.catalog.custom.add_classifier import add_classifier
from unlearn_core.catalog.custom.behaviour import real_pictures
from unlearn_core.catalog.custom.build_network import seeded
from unlearn_core.catalog.custom.introspect import channel_axis, find_cam_layers, last_layer
from unlearn_core.catalog.entries import CLASSIFIERS
from unlearn_core.catalog.records.classifier_record import ClassifierSpecification
from unlearn_core.errors import UserError
from unlearn_core.measuring.attribution.algorithms.base import Algorithm
from unlearn_core.measuring.attribution.explain import attribute, explanation
from unlearn_core.measuring.attribution.registry import (
    algorithm_entry,
    algorithms,
    check_offered,
    offered,
    register,
    switched_off,
)
from unlearn_core.measuring.attribution.settings import Settings
from unlearn_core.measuring.attribution.soundness import unsound, why_unsound
from unlearn_core.measuring.examine_classifier import add_examined

Sixteen = tuple[Classifier, Tensor, Tensor]


def sixteen(name: str) -> Sixteen:
    """Return an odd network as a classifier, sixteen photos and the predictions."""
    module, pixels = odd_network(name), real_pictures(3, SIDE, 16)
    layers = find_cam_layers(module, pixels[:2])
    classifier = Classifier(name, module, tuple("abcdefghijkl"), (), 3, SIDE, layers)
    return classifier, pixels, module(pixels).argmax(1)


def missed(classifier: Classifier, pixels: Tensor, targets: Tensor, algorithm: str) -> list[float]:
    """Return the share of the score's change that each map misses."""
    scores = [classifier.module(one).gather(1, targets[:, None])[:, 0] for one in (pixels, 0 * pixels + 0.5)]
    change = scores[0] - scores[1]
    sums = explanation(classifier, pixels, targets, algorithm).sum((1, 2, 3))
    # Less is rounding.
    known = change.abs() > 1e-3 * scores[0].abs()
    return ((sums - change).abs() / change.abs())[known].tolist()


@pytest.mark.parametrize("name", ODD)
def test_what_is_offered_on_an_odd_network_is_right(name: str) -> None:
    classifier, pixels, targets = sixteen(name)
    off = unsound(classifier)
    for entry in algorithms():
        if entry.name in off:
            continue
        if entry.is_complete:
            assert max(missed(classifier, pixels, targets, entry.name), default=0) <= 0.02, entry.name
        together = explanation(classifier, pixels[:3], targets[:3], entry.name)
        alone = explanation(classifier, pixels[2:3], targets[2:3], entry.name)
        assert (together[2:] - alone).abs().max() <= 1e-3 * alone.abs().max(), entry.name
    assert not set(off) - {"deeplift", "guided-backprop", "integrated-gradients"}
    assert "integrated-gradients" not in off or name == "scaled"
    assert ("deeplift" in off) == (name == "scaled")
    assert ("guided-backprop" in off) == (name in ("gated", "added to", "gelu", "selu", "relu6"))


def test_the_reasons_say_what_was_measured() -> None:
    classifier, *_ = sixteen("scaled")
    assert "% of the score's change" in unsound(classifier)["deeplift"]
    classifier, *_ = sixteen("gelu")
    assert unsound(classifier) == {
        "guided-backprop": "has a rule for ReLU only; this classifier also uses gelu."
    }


@pytest.mark.slow
@pytest.mark.parametrize("entry", CLASSIFIERS, ids=lambda entry: entry.name)
def test_what_is_offered_for_shipped_classifiers_is_right(entry) -> None:  # type: ignore[no-untyped-def]
    classifier = load_classifier(entry.name)
    pixels = real_pictures(entry.channels, entry.input_size, 2)
    classifier.module.requires_grad_(False)
    targets = classifier.module(pixels).argmax(1)
    for one in offered(entry.name):
        if not (one.is_general and entry.input_size > 64 and not one.is_complete):
            assert why_unsound(one, classifier, pixels, targets) is None, one.name


def test_on_the_shipped_classifier_the_rules_are_captums() -> None:
    classifier = load_classifier("cifar10-resnet20")
    pixels = real_pictures(3, 32, 3)
    classifier.module.requires_grad_(False)
    targets = classifier.module(pixels).argmax(1)
    own = explanation(classifier, pixels, targets, "deeplift")
    theirs = CaptumDeepLift(classifier.module).attribute(pixels, 0 * pixels + 0.5, targets)
    assert (own - theirs).abs().max() <= 1e-5 * theirs.abs().max()
    own = explanation(classifier, pixels, targets, "guided-backprop")
    assert torch.equal(own, CaptumGuidedBackprop(classifier.module).attribute(pixels, targets))
    own = explanation(classifier, pixels[:1], targets[:1], "integrated-gradients")
    path = CaptumIntegratedGradients(classifier.module)
    coarse, fine = (
        path.attribute(
            pixels[:1], 0.5, targets[:1], n_steps=n, method="riemann_middle", internal_batch_size=64
        )
        for n in (64, 512)
    )
    assert (own - fine).norm() < (coarse - fine).norm() < 0.05 * fine.norm()


def test_channels_at_the_end_are_found_and_grad_cam_is_that_of_channels_first() -> None:
    for name in ("channels last", "as many channels as rows"):
        classifier, pixels, targets = sixteen(name)
        assert classifier.cam_layers == ("last",)
        shape = (1, 8, 8, 8) if name.startswith("as many") else (1, 8, 8, 20)
        assert channel_axis(classifier.module, "last", shape, pixels[:1]) == 3
        assert channel_axis(classifier.module, "grid", (1, shape[3], 8, 8), pixels[:1]) == 1
        by_grid = attribute(classifier, pixels, targets, "layer-gradcam:grid")
        by_last = attribute(classifier, pixels, targets, "layer-gradcam")
        assert abs(by_last - by_grid).max() <= 1e-5 * abs(by_grid).max()


@pytest.mark.parametrize(
    ("network", "size", "layers"),
    [
        ("torchvision:swin_t", 32, ("features.3", "features.1", "features.5")),
        ("torchvision:resnet18", 32, ("layer2", "relu", "layer1", "layer3")),
        ("timm:cait_xxs24_224", 32, ()),
        ("timm:tnt_s_legacy_patch16_224", 32, ()),
        ("timm:mvitv2_tiny", 32, ()),
        ("timm:vit_tiny_patch16_224", 32, ()),
    ],
)
def test_layers_for_grad_cam_have_a_grid(network: str, size: int, layers: tuple[str, ...]) -> None:
    module = seeded(network, 5, 3, size).eval()
    found = find_cam_layers(module, real_pictures(3, size, 2))
    assert found == layers


def test_the_last_layer_is_the_one_that_runs_last() -> None:
    module = odd_network("own pools")
    assert list(dict(module.named_modules()))[-1] == "unused"
    assert last_layer(module, real_pictures(3, SIDE, 1)) == "fc2"


def an_odd_one() -> torch.nn.Module:
    return odd_network("scaled").requires_grad_()


def test_what_was_measured_is_kept_and_said(own_home: Path) -> None:
    source = "tests.measuring.attribution.test_soundness:an_odd_one"
    specification = ClassifierSpecification(source=source, input_size=SIDE, name="odd")
    add_examined(own_home, specification)
    names = [entry.name for entry in offered("odd")]
    assert {"guided-backprop", "layer-gradcam", "saliency"} <= set(names)
    assert "deeplift" not in names
    assert "misses up to" in dict(switched_off("odd"))["DeepLIFT"]
    with pytest.raises(UserError, match=r"DeepLIFT is not valid for odd: it misses up to \d+% of the score"):
        check_offered("odd", "deeplift")
    # One that was added without measuring, as by earlier versions.
    add_classifier(own_home, specification.model_copy(update={"name": "old"}))
    assert "was not measured" in dict(switched_off("old"))["DeepLIFT"]
    assert "saliency" in [entry.name for entry in offered("old")]


@pytest.mark.usefixtures("nothing_registered")
@pytest.mark.parametrize(
    ("maps", "sentence"),
    [
        (lambda pixels, scores: pixels + pixels.mean(), "another map in a batch than alone"),
        (lambda pixels, scores: pixels, "the same map when the last layer"),
        (lambda pixels, scores: pixels / 0, "not finite"),
        (
            lambda pixels, scores: pixels.no_such_thing,
            "does not work on this classifier: 'Tensor' object has",
        ),
        (lambda pixels, scores: pixels * scores, "misses up to"),
    ],
)
def test_an_algorithm_of_another_package_is_measured_too(
    maps: Callable[[Tensor, Tensor], Tensor], sentence: str
) -> None:
    class Odd(Algorithm):
        name, title, reading = "odd", "Odd", "Nothing."
        settings = algorithm_entry("deeplift").settings
        is_complete = sentence == "misses up to"

        def explain(
            self, classifier: Classifier, pixels: Tensor, targets: Tensor, settings: Settings
        ) -> Tensor:
            return maps(pixels, classifier.module(pixels)[:, :1, None, None])

    register(Odd)
    classifier, pixels, targets = sixteen("own pools")
    assert sentence in (why_unsound(algorithm_entry("odd"), classifier, pixels[:3], targets[:3]) or "")
    if "does not work" in sentence:
        with pytest.raises(UserError, match=r"Odd fails on own pools: 'Tensor' object has no attribute"):
            attribute(classifier, pixels, targets, "odd")


@pytest.mark.parametrize(
    ("network", "size", "off"),
    [
        ("timm:resnet10t", 32, ""),
        ("timm:starnet_s050", 32, "guided-backprop"),
        ("timm:regnety_002", 32, "guided-backprop"),
        ("timm:mobilevit_xxs", 32, "guided-backprop"),
        ("timm:inception_next_atto", 32, "guided-backprop"),
        ("timm:vit_tiny_patch16_224", 32, "layer-gradcam guided-backprop"),
        ("torchvision:squeezenet1_1", 32, ""),
        ("torchvision:shufflenet_v2_x0_5", 32, ""),
    ],
)
def test_what_is_offered_on_known_architectures_is_right(network: str, size: int, off: str) -> None:
    module = seeded(network, 12, 3, size).eval()
    pixels = real_pictures(3, size, 4)
    classifier = Classifier(
        "net", module, tuple("abcdefghijkl"), (), 3, size, find_cam_layers(module, pixels)
    )
    assert set(unsound(classifier)) == set(off.split())
    module.requires_grad_(False)
    targets = module(pixels).argmax(1)
    for entry in algorithms():
        if entry.is_complete and entry.name not in off:
            assert max(missed(classifier, pixels, targets, entry.name), default=0) <= 0.02, entry.name
