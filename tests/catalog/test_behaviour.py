"""What a network returns, and whether it is a function from a picture to logits."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests import odd_networks
from unlearn_core.catalog.classifiers import load_classifier
from unlearn_core.catalog.custom.add_classifier import add_classifier, prepare
from unlearn_core.catalog.records.classifier_record import ClassifierSpecification, custom_classifiers
from unlearn_core.errors import UserError

PIXELS = torch.rand(5, 3, 16, 16, generator=torch.Generator().manual_seed(1))


def specified(name: str) -> ClassifierSpecification:
    return ClassifierSpecification(
        source=f"tests.odd_networks:{name}", input_size=odd_networks.SIDE, name=name
    )


@torch.no_grad()
def raw(name: str) -> Tensor:
    """Return what the network itself returns, in one column at least."""
    network = getattr(odd_networks, name)().eval().float()
    return network(PIXELS).reshape(len(PIXELS), -1)


@pytest.mark.parametrize(
    ("name", "finding"),
    [
        ("plain", None),
        ("softmax", "ends in a softmax: the logarithms"),
        ("log_softmax", "ends in a log-softmax"),
        ("one_logit", "returns one logit x: it is used as two classes"),
        ("squeezed", "returns one logit x: it is used as two classes"),
        ("sigmoid", "ends in a sigmoid, a probability p"),
        ("half", None),
        ("double", None),
        ("parallel", None),
        ("used_twice", None),
        ("view", None),
        ("squeezed_alone", None),
        ("convolved", None),
        ("normed_weights", "pruning of weights is applied"),
        ("pruned_weights", "pruning of weights is applied"),
    ],
)
def test_what_a_network_returns_becomes_logits(own_home: Path, name: str, finding: str | None) -> None:
    module = load_classifier(add_classifier(own_home, specified(name))).module
    (record,) = custom_classifiers(own_home)
    found, own = module(PIXELS), raw(name)
    expected = {
        "softmax": own,
        "log_softmax": own.exp(),
        "one_logit": torch.cat([(-own).sigmoid(), own.sigmoid()], 1),
        "squeezed": torch.cat([(-own).sigmoid(), own.sigmoid()], 1),
        "sigmoid": torch.cat([1 - own, own], 1),
    }.get(name, own.softmax(1))
    assert torch.allclose(found.softmax(1), expected, atol=2e-3 if name == "half" else 1e-5)
    assert torch.allclose(module(PIXELS[:1]), found[:1], atol=1e-5)
    assert len(record.class_names) == found.shape[1]
    assert (finding is None and not record.findings) or finding in record.findings[0]  # type: ignore[operator]


@pytest.mark.parametrize(
    ("name", "taken"), [("with_pixels", "number 2"), ("with_features", "logits"), ("as_an_object", "logits")]
)
def test_the_logits_are_taken_of_several_things(own_home: Path, name: str, taken: str) -> None:
    module = load_classifier(add_classifier(own_home, specified(name))).module
    (record,) = custom_classifiers(own_home)
    assert record.findings == (
        f"The network returns several things; of these, {taken} is taken for the logits.",
    )
    assert torch.allclose(module(PIXELS), raw("plain"), atol=1e-5)


def test_a_single_logit_may_have_names_for_both_classes(own_home: Path) -> None:
    named = specified("one_logit").model_copy(update={"class_names": ("cat", "dog"), "classes": 2})
    assert prepare(named)[0].class_names == ("cat", "dog")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("dropout_always_on", r"when the same pictures are shown twice: .* such as F\.dropout without"),
        (
            "batch_statistics",
            r"depends on the other pictures of the batch, as with BatchNorm without running",
        ),
        ("pair", "it returns a tuple of a tensor of 4 × 4 and a tensor of 4 × 12. Return the logits only"),
        ("adds_a_layer", "adds layers when it is first used"),
        ("four_channels", "takes 4 channels; pictures have 1 or 3"),
        ("complex_weights", "waves of the network has complex values"),
        ("locked", "cannot be copied: cannot pickle '_thread.lock' object"),
        ("on_meta", "on the meta device, where weights have no values"),
        ("quantised", r"fc\..* of the network is quantised"),
        ("ends_the_program", "failed: SystemExit: 3"),
        ("lazy", "a network with lazy layers: call it on a picture"),
        ("scripted", "TorchScript, which cannot be looked into: return the network"),
        ("all_frozen", "Every weight of the network is frozen"),
        ("other_every_time", r"cannot be kept: .* with the same tensors gives other logits, by up to"),
    ],
)
def test_what_is_no_function_from_a_picture_to_logits_is_one_sentence(
    own_home: Path, name: str, sentence: str
) -> None:
    with pytest.raises(UserError, match=sentence):
        add_classifier(own_home, specified(name))
    assert custom_classifiers(own_home) == []


def test_what_a_function_sets_for_the_whole_process_is_put_back(tmp_path: Path) -> None:
    add_classifier(tmp_path / "new home", specified("sets_everything"))
    assert (torch.get_default_dtype(), torch.is_grad_enabled()) == (torch.float32, True)
    assert len(custom_classifiers(tmp_path / "new home")) == 1


def test_frozen_weights_are_said_and_stay_frozen_in_a_kept_one(own_home: Path) -> None:
    loaded = load_classifier(add_classifier(own_home, specified("frozen")))
    assert custom_classifiers(own_home)[0].findings == (
        "6 of 8 weight tensors are frozen and stay as they are.",
    )
    assert sum(weight.requires_grad for weight in loaded.module.parameters()) == 2


@pytest.mark.parametrize(("name", "works"), [("plain", True), ("view", False)])
def test_the_order_of_memory_is_one_that_the_network_works_in(own_home: Path, name: str, works: bool) -> None:
    module = load_classifier(add_classifier(own_home, specified(name))).module
    assert custom_classifiers(own_home)[0].channels_last == works
    expected = module(PIXELS)
    module = module.to("cpu").to(memory_format=torch.channels_last)
    assert torch.allclose(module(PIXELS.contiguous(memory_format=torch.channels_last)), expected, atol=1e-5)
    weight = module.get_parameter("network.conv2.weight")
    assert weight.is_contiguous(memory_format=torch.channels_last) == works


def test_trying_a_network_leaves_the_random_state_alone() -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    with pytest.raises(UserError):
        prepare(specified("dropout_always_on"))
    assert torch.equal(torch.get_rng_state(), before)
