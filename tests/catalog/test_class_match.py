import numpy as np
import pytest

from unlearn_core.catalog.class_match import match_classes, read_overrides, write_overrides
from unlearn_core.catalog.image_sets import Wanted, load_images
from unlearn_core.errors import UserError

NAMES = ("tench, Tinca tinca", "crane", "crane, bird", "tiger cat")
WORDNET_IDS = ("n01440764", "n1", "n2", "n02123159")


def test_names_and_wordnet_ids_come_first() -> None:
    own = ("Tiger_Cat", "007_n01440764_fish", "tinca tinca", "crane", "unheard of", "")
    found = match_classes(own, NAMES, WORDNET_IDS)
    # "crane" is the whole name of one class and part of another's: it means neither for sure.
    assert found.classes == (3, 0, 0, -1, -1, -1)
    assert found.how == ("name", "WordNet id", "name", "none", "none", "none")
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
    assert set(found.how) <= {"order", "name", "none"}


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
