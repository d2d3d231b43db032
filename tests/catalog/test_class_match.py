import numpy as np
import pytest

from unlearn_core.catalog.class_match import match_classes, number_readings, read_overrides, write_overrides
from unlearn_core.catalog.class_names import class_called, class_choices, imagenet_classes, short_class_names
from unlearn_core.catalog.image_sets import Wanted, load_images
from unlearn_core.errors import UserError

NAMES = ("tench, Tinca tinca", "crane", "crane, bird", "tiger cat")
WORDNET_IDS = ("n01440764", "n1", "n2", "n02123159")


def test_names_and_wordnet_ids_come_first() -> None:
    own = ("Tiger_Cat", "007_n01440764_fish", "tinca tinca", "crane", "unheard of", "")
    found = match_classes(own, NAMES, WORDNET_IDS)
    # "crane" is the whole name of one class, which counts before a part of another's.
    assert found.classes == (3, 0, 0, 1, -1, -1)
    assert found.how == ("name", "WordNet id", "name", "name", "none", "none")
    assert found.labels(np.array([0, 2, 5, -1])).tolist() == [3, 0, -1, -1]


@pytest.mark.parametrize(
    ("own", "names", "expected"),
    [
        (("a", "b"), ("class 0", "class 1"), (0, 1)),
        (("0", "1"), ("cat", "dog"), (0, 1)),
        (("00001", "00002"), ("cat", "dog"), (0, 1)),
        (("a", "b"), ("cat", "dog"), (-1, -1)),
        (("a", "b"), ("class 0", "class 1", "class 2"), (-1, -1)),
        (("dog", "1"), ("cat", "dog"), (1, -1)),
    ],
)
def test_order_counts_only_where_one_side_has_no_names(
    own: tuple[str, ...], names: tuple[str, ...], expected: tuple[int, ...]
) -> None:
    found = match_classes(own, names, ())
    assert found.classes == expected
    assert set(found.how) <= {"order", "number", "name", "none"}


@pytest.mark.parametrize(
    ("own", "names", "expected"),
    [
        # Symbols and the marks above and below letters tell names apart.
        (("C", "C++", "C#", "c#"), ("C++", "C#", "C"), (2, 0, 1, 1)),
        (("C#", "कि"), ("C", "का"), (-1, -1)),
        (("cafe\u0301", "Straße", "strasse"), ("Café", "STRASSE"), (0, -1, 1)),
        # The exact spelling counts first.
        (("Turkey", "turkey", "TURKEY"), ("turkey", "Turkey"), (1, 0, -1)),
        (("maillot", "maillot, tank suit", "tank_suit"), ("maillot", "maillot, tank suit"), (0, 1, 1)),
        # Two of one name are told apart by their order, if there are two on both sides.
        (("crane", "cat", "crane"), ("crane", "crane", "cat"), (0, 2, 1)),
        (("crane", "cat"), ("crane", "crane", "cat"), (-1, 2)),
        (("?", ""), ("!", ""), (-1, -1)),
    ],
)
def test_names_are_compared_exactly_first(
    own: tuple[str, ...], names: tuple[str, ...], expected: tuple[int, ...]
) -> None:
    assert match_classes(own, names, ()).classes == expected


@pytest.mark.parametrize(
    ("own", "theirs", "expected"),
    [
        (["cat, dog", "bird"], ["cat", "dog", "bird"], (-1, 2)),
        (["-10", "10"], ["10", "20"], (-1, 0)),
        (["A-", "A+"], ["A", "B"], (-1, -1)),
        (["0-5", "0.5"], ["0.5", "1"], (-1, 0)),
    ],
)
def test_what_means_several_classes_or_another_number_matches_none(
    own: list[str], theirs: list[str], expected: tuple[int, ...]
) -> None:
    assert match_classes(own, theirs, []).classes == expected


@pytest.mark.parametrize(
    ("own", "names", "expected"),
    [
        # One of several names in common is not enough.
        (("Pepper,_bell___Bacterial_spot", "Tomato"), ("Pepper,_bell___healthy", "Tomato"), (-1, 1)),
        (("crab, king", "x"), ("crab, hermit", "x"), (-1, 1)),
        (("crab, hermit, sea", "x"), ("crab, hermit", "x"), (0, 1)),
        (("hermit, crab", "x"), ("crab, hermit, sea", "x"), (0, 1)),
        (("crab", "x"), ("crab, hermit", "x"), (0, 1)),
        (("crab, hermit", "x"), ("crab", "x"), (0, 1)),
        (("crab,", "x"), ("crab, hermit", "x"), (0, 1)),
    ],
)
def test_a_name_in_common_does_not_match_what_others_tell_apart(
    own: tuple[str, ...], names: tuple[str, ...], expected: tuple[int, ...]
) -> None:
    assert match_classes(own, names, ()).classes == expected


@pytest.mark.parametrize(
    ("own", "names", "expected"),
    [
        (("001.Black_footed_Albatross", "002.Jay"), ("Jay", "Black footed Albatross"), (1, 0)),
        (("Jay", "Black footed Albatross"), ("001.Black_footed_Albatross", "002.Jay"), (1, 0)),
        (("01 - dog", "02 - cat"), ("1_cat", "2_dog"), (1, 0)),
        (("n02085620-Chihuahua",), ("dog", "chihuahua, small dog"), (1,)),
        # Where only some have numbers, or the rest is the same, they are part of the name.
        (("1.cat", "dog"), ("cat", "dog"), (-1, 1)),
        (("1.cat", "2.cat"), ("cat", "dog"), (-1, -1)),
        (("1.cat", "2.Cat"), ("cat", "dog"), (-1, -1)),
        (("1.cat", "1.dog"), ("cat", "dog"), (-1, -1)),
        (("0-4", "5-9"), ("4", "9", "x"), (-1, -1)),
        (("2.cat", "3.dog"), ("1.cat", "2.cat"), (1, -1)),
    ],
)
def test_numbers_before_names_are_left_out_last(
    own: tuple[str, ...], names: tuple[str, ...], expected: tuple[int, ...]
) -> None:
    assert match_classes(own, names, ()).classes == expected


def test_wordnet_ids_in_the_classifiers_names_count_where_it_has_no_others() -> None:
    names = ("n01440764 tench, Tinca tinca", "n01443537 goldfish", "n01440764_again", "no id")
    found = match_classes(("n01443537", "n01440764", "x_n01443537", "goldfish"), names, ())
    assert (found.classes, found.how[0]) == ((1, -1, 1, -1), "WordNet id")
    assert match_classes(("goldfish", "tinca tinca"), names[:2], ()).classes == (1, 0)
    assert match_classes(("n01443537",), names, ("n7", "n8", "n9", "n01443537")).classes == (3,)


def test_imagenets_own_names_are_all_matched() -> None:
    names, _ = imagenet_classes()
    assert match_classes(names, names, ()).classes == tuple(range(1000))


def test_numbered_folders_of_imagenet_are_its_indices() -> None:
    names, wordnet_ids = imagenet_classes()
    own = tuple(sorted(map(str, range(1000))))
    found = match_classes(own, names, wordnet_ids)
    assert found.classes == tuple(map(int, own))
    assert set(number_readings(own, 1000)) == {"from 0", "as text"}


def test_classes_of_one_name_are_named_by_their_number() -> None:
    assert short_class_names(("crane", "cat, pet", "crane, bird")) == ("crane (#0)", "cat", "crane (#2)")
    names, wordnet_ids = imagenet_classes()
    assert [class_choices(names)[index] for index in (134, 517, 638)] == [
        "crane (#134)",
        "crane (#517)",
        "maillot",
    ]
    assert [class_called(text, names) for text in ("crane (#517)", "#517", "517", "maillot")] == [
        517,
        517,
        517,
        638,
    ]
    with pytest.raises(UserError, match="2 classes 'crane': name one by its number, #134 and #517"):
        class_called("crane", names)
    with pytest.raises(UserError, match="There is no class '1000'"):
        class_called("1000", names)
    found = match_classes(("machines",), names, wordnet_ids, {"machines": "crane (#517)"})
    assert (found.classes, found.how) == ((517,), ("you",))


@pytest.mark.parametrize(
    ("own", "classes", "expected"),
    [
        (("0", "1", "2", "10"), 12, {"from 0": (0, 1, 2, 10)}),
        (("1", "2", "10"), 12, {"from 0": (1, 2, 10), "from 1": (0, 1, 9)}),
        (("0", "1", "2"), 3, {"from 0": (0, 1, 2)}),
        (("001", "002", "003"), 3, {"from 1": (0, 1, 2)}),
        (("1.0", "Class 2", "class_3"), 3, {"from 1": (0, 1, 2)}),
        (
            (*map(str, range(11)),),
            11,
            {"from 0": tuple(range(11)), "as text": (0, 1, 3, 4, 5, 6, 7, 8, 9, 10, 2)},
        ),
        (("5", "10", "15"), 3, {"in order": (0, 1, 2), "as text": (2, 0, 1)}),
        (("5", "10", "15"), 4, {}),
        (("1", "two"), 4, {}),
        (("9" * 5000, "²"), 4, {}),
    ],
)
def test_numbers_are_counted_in_every_way_that_is_possible(
    own: tuple[str, ...], classes: int, expected: dict[str, tuple[int, ...]]
) -> None:
    found = number_readings(own, classes)
    assert found == expected
    names = tuple(f"name {'abcdefghijkl'[index]}" for index in range(classes))
    assert match_classes(own, names, ()).reading == next(iter(found), None)


def test_what_the_user_says_comes_before_all(own_home) -> None:  # type: ignore[no-untyped-def]
    digits = Wanted("digits", 1, 28, tuple("0123456789"), ())
    before = load_images("mnist", digits)
    write_overrides(own_home, "digits", "mnist", {"3": "8", "4": ""})
    after = load_images("mnist", digits)
    assert (after.labels[before.labels == 3] == 8).all()
    assert not after.labelled[before.labels == 4].any()
    assert (after.match.how[3], after.match.how[4], after.match.how[5]) == ("you", "you", "name")
    other = load_images("mnist", Wanted("other", 1, 28, tuple("0123456789"), ()))
    assert np.array_equal(other.labels, before.labels)
    write_overrides(own_home, "digits", "mnist", {})
    assert np.array_equal(load_images("mnist", digits).labels, before.labels)


def test_a_damaged_match_is_one_sentence(own_home) -> None:  # type: ignore[no-untyped-def]
    write_overrides(own_home, "digits", "mnist", {"3": "8"})
    (file,) = own_home.glob("matches/*.json")
    file.write_text("{", encoding="utf-8")
    with pytest.raises(UserError, match="is damaged: reset it"):
        read_overrides(own_home, "digits", "mnist")
