"""Networks that keep something, end otherwise or return more than one thing, and lists of class names."""

from pathlib import Path

import pytest
import torch

from tests import more_networks
from unlearn_core.catalog.classifiers import load_classifier
from unlearn_core.catalog.custom.add_classifier import add_classifier, prepare
from unlearn_core.catalog.lists_of_names import names_in
from unlearn_core.catalog.records.classifier_record import ClassifierSpecification
from unlearn_core.errors import UserError
from unlearn_core.measuring.attribution.algorithms.integrated_gradients import _with_halved_pieces
from unlearn_core.measuring.examine_classifier import add_examined

PIXELS = torch.rand(5, 3, 16, 16, generator=torch.Generator().manual_seed(1))


def specified(name: str, **fields: object) -> ClassifierSpecification:
    return ClassifierSpecification.parse(
        source=f"tests.more_networks:{name}", input_size=16, name=name, **fields
    )


def test_a_function_that_returns_one_network_gives_classifiers_of_their_own(own_home: Path) -> None:
    name = add_classifier(own_home, specified("the_same_each_time"))
    first, second = load_classifier(name).module, load_classifier(name).module
    with torch.no_grad():
        before = second(PIXELS)
        next(first.parameters()).zero_()
        assert torch.equal(second(PIXELS), before)
        assert torch.equal(load_classifier(name).module(PIXELS), before)


@pytest.mark.parametrize("name", ["keeps_its_first_call", "trains_without_return"])
def test_it_can_be_added_and_explained(own_home: Path, name: str) -> None:
    assert dict(add_examined(own_home, specified(name)).unsound or ()) == {}


@pytest.mark.parametrize("name", ["grey_first", "head_first"])
def test_the_channels_are_those_that_work(name: str) -> None:
    assert prepare(specified(name))[0].channels == 3


def test_maps_that_are_always_empty_are_off(own_home: Path) -> None:
    off = dict(add_examined(own_home, specified("rounds_its_input")).unsound or ())
    assert off["saliency"] == "gives an empty map for every picture on this classifier."
    assert {"input-x-gradient", "integrated-gradients"} <= off.keys()


def test_halving_the_pieces_of_a_path_ends_where_the_score_jumps(own_home: Path) -> None:
    classifier = load_classifier(add_classifier(own_home, specified("signs")))
    with torch.no_grad():
        assert not torch.equal(classifier.module(PIXELS[:1]), classifier.module(torch.zeros(1, 3, 16, 16)))
    halved = _with_halved_pieces(classifier, PIXELS[:1], torch.tensor([0]), 0.0, 32, 128)
    assert halved.isfinite().all()


@pytest.mark.parametrize(
    ("name", "finding", "classes"),
    [
        ("sigmoid_of_each", "ends in a sigmoid for each class", 4),
        ("second_of_softmax", "a probability p", 2),
        ("clamped_sigmoid", "a probability p", 2),
    ],
)
@torch.no_grad()
def test_probabilities_become_logits(name: str, finding: str, classes: int) -> None:
    record, module = prepare(specified(name))
    assert any(finding in one for one in record.findings)
    own, found = getattr(more_networks, name)().eval()(PIXELS), module(PIXELS)
    assert found.shape == (5, classes)
    expected = found.sigmoid() if classes == 4 else found.softmax(1)[:, 1:]
    torch.testing.assert_close(expected, own, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("masked_dropout", "says something else when the same pictures are shown twice"),
        ("logits_and_embedding", "must return one row of logits per picture"),
        ("nested_logits", "must return one row of logits per picture"),
        ("keeps_folded_weights", "keeps something of the weights of its first call"),
        ("softmax_of_one", "says exactly the same of every picture"),
        ("extra_state", "is no tensor, so it could not be kept"),
    ],
)
def test_what_would_be_wrong_is_refused(name: str, reason: str) -> None:
    with pytest.raises(UserError, match=reason):
        prepare(specified(name))


def test_a_mean_of_pixels_up_to_255_is_refused() -> None:
    with pytest.raises(UserError, match="divide yours by 255"):
        prepare(specified("signs", mean=(123.7, 116.3, 103.5), std=(58.4, 57.1, 57.4)))


@pytest.mark.parametrize(
    "text",
    [
        "tench\ngoldfish\nshark\n",
        "\n tench \r\ngoldfish\n\nshark",
        '["tench", "goldfish", "shark"]',
        '{"0": "tench", "2": "shark", "1": "goldfish"}',
        "{0: 'tench',\n 1: 'goldfish',\n 2: 'shark'}",
        '{"tench": 0, "goldfish": 1, "shark": 2}',
        "0: tench\n1: goldfish\n2: shark",
        "2 shark\n0 tench\n1 goldfish",
        "1,tench\n2,goldfish\n3,shark",
        "- tench\n- goldfish\n- shark",
        '"tench",\n"goldfish",\n"shark"',
    ],
)
def test_class_names_are_read_as_people_have_them(text: str) -> None:
    assert names_in(text) == ("tench", "goldfish", "shark")


def test_a_number_that_is_part_of_a_name_stays() -> None:
    assert names_in("1 star\n2 star") == ("1 star", "2 star")
    assert names_in("7 up\n3 musketeers") == ("7 up", "3 musketeers")


@pytest.mark.parametrize(
    "text", ["[1, 2]", '{"0": "a", "2": "b"}', "[", "{]", '{"a": "b"}', "[[" * 9 + "]]" * 9]
)
def test_other_lists_are_one_sentence(text: str) -> None:
    if text in ("[", "{]"):
        assert names_in(text) == (text,)
        return
    with pytest.raises(UserError, match="write one name per line"):
        names_in(text)
