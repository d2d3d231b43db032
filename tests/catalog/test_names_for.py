"""Class names of a network with as many classes as ImageNet: given, its own, or assumed."""

from pathlib import Path

import pytest
import torch
from torch import nn

from unlearn_core.catalog.class_names import imagenet_classes
from unlearn_core.catalog.custom.add_classifier import prepare
from unlearn_core.catalog.custom.build_network import seeded
from unlearn_core.catalog.custom.origin import Origin
from unlearn_core.catalog.custom.resolve_classifier import ASSUMED, names_for
from unlearn_core.catalog.records.classifier_record import ClassifierSpecification
from unlearn_core.errors import UserError

OWN = tuple(f"species {index}" for index in range(1000))
NAMES, WORDNET_IDS = imagenet_classes()


def origin(names: tuple[str, ...] | None = None) -> Origin:
    return Origin(nn.Identity(), "timm:resnet10t", "some", 1000, 3, 64, class_names=names)


def test_names_of_its_own_or_given_ones_come_before_imagenets() -> None:
    known = origin(OWN)
    assert names_for(known, None) == (OWN, ())
    assert names_for(known, OWN[::-1]) == (OWN[::-1], ())
    assert known.findings == []


@pytest.mark.parametrize(
    "names",
    [
        NAMES,
        tuple(name.split(",")[0].upper() for name in NAMES),
        tuple(map("{} {}".format, WORDNET_IDS, NAMES)),
    ],
)
def test_imagenets_names_in_any_spelling_have_its_ids(names: tuple[str, ...]) -> None:
    assert names_for(origin(names), None) == (names, WORDNET_IDS)
    assert names_for(origin(), names) == (names, WORDNET_IDS)


def test_numbers_and_names_in_another_order_have_no_ids() -> None:
    numbers = tuple(map(str, range(1000)))
    assert names_for(origin(), numbers) == (numbers, ())
    # Two of ImageNet's classes are called crane.
    with pytest.raises(UserError, match="Two classes have the name 'crane'"):
        names_for(origin(), NAMES[::-1])


def test_that_a_files_classes_are_imagenets_is_assumed_and_said(tmp_path: Path) -> None:
    network = seeded("timm:resnet10t", 1000, 3, None)
    torch.save(network.state_dict(), tmp_path / "net.pt")
    specification = ClassifierSpecification(
        source=f"file:{tmp_path / 'net.pt'}", architecture="timm:resnet10t", input_size=64
    )
    record, _ = prepare(specification)
    assert (record.class_names, record.wordnet_ids) == (NAMES, WORDNET_IDS)
    assert ASSUMED in record.findings
    record, _ = prepare(specification.model_copy(update={"class_names": OWN}))
    assert (record.class_names, record.wordnet_ids) == (OWN, ())
    assert ASSUMED not in record.findings


def test_a_very_long_name_is_refused() -> None:
    with pytest.raises(UserError, match="The name of a class has 100,001 characters: the most is 1,000"):
        names_for(origin(), (*OWN[1:], "a" + "\u0315\u0300" * 50_000))
