import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlearn_core.catalog.picks import Pick
from unlearn_core.errors import UserError

IDS = np.arange(10, 20)
LABELS = np.array([0, 1] * 5)
LOSSES = np.array([5, 1, 4, 9, 0, 2, 8, 3, 7, 6], np.float32)
MEMORISATION = np.array([0.1, np.nan, 0.9, 0, -0.2, 0.8, np.nan, 0.7, 0.8, 0], np.float32)


def resolve(text: str, seed: int = 0) -> list[int]:
    names = ("cat", "dog")
    return Pick.parse(text).resolve(IDS, LABELS, LOSSES, names, seed, memorisation=MEMORISATION)


def test_ids_keep_their_order_and_count_once() -> None:
    assert resolve("ids:14,11,14") == [14, 11]


def test_hardest_takes_the_highest_losses() -> None:
    assert resolve("hardest:3") == [13, 16, 18]


def test_memorised_takes_what_is_known_to_be_memorised_most() -> None:
    assert resolve("memorised:4") == [12, 15, 18, 17]
    assert resolve("memorised:8")[-1] == 14


def test_memorised_is_one_sentence_where_nothing_is_known_of_it() -> None:
    with pytest.raises(UserError, match="no classifiers that never saw a part of the pictures"):
        Pick.parse("memorised:1").resolve(IDS, LABELS, LOSSES, ("cat", "dog"), 0)


def test_a_class_gives_its_own_pictures_only() -> None:
    assert sorted(resolve("class:dog:5")) == [11, 13, 15, 17, 19]
    assert sorted(resolve("class:cat:5")) == [10, 12, 14, 16, 18]


def test_a_class_name_may_hold_colons() -> None:
    found = Pick.parse("class:a:b:2").resolve(IDS, LABELS, LOSSES, ("a", "a:b"), 0)
    assert len(found) == 2
    assert all(one % 2 for one in found)


def test_random_picks_are_nested_seeded_and_without_repeats() -> None:
    assert resolve("random:8", 3)[:4] == resolve("random:4", 3)
    assert resolve("random:8", 3) != resolve("random:8", 4)
    assert sorted(resolve("random:10")) == IDS.tolist()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("random:11", "asks for 11 pictures, but there are only 10"),
        ("class:dog:6", "only 5"),
        ("class:bird:1", "no class 'bird'"),
        ("ids:3", "no picture 3"),
        ("ids:x", "not a picture id"),
        ("random:-1", "at least 1"),
        ("hardest:1.5", "at least 1"),
        ("memorised:0", "at least 1"),
        ("memorised:9", "asks for 9 pictures, but there are only 8"),
    ],
)
def test_impossible_picks_are_one_sentence(text: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        resolve(text)


@given(
    st.one_of(st.text(), st.from_regex(r"(ids|random|hardest|memorised|class):[\w,:.\- ]*", fullmatch=True))
)
def test_any_text_is_a_pick_or_one_sentence(text: str) -> None:
    try:
        chosen = resolve(text)
    except UserError:
        return
    assert chosen
    assert set(chosen) <= set(IDS.tolist())


@pytest.mark.parametrize("text", ["random:6", "class:cat:3"])
def test_what_is_not_recognised_is_drawn_last(text: str) -> None:
    def drawn(*wrong: int) -> list[int]:
        recognised = ~np.isin(IDS, wrong)
        return Pick.parse(text).resolve(IDS, LABELS, LOSSES, ("cat", "dog"), 0, recognised=recognised)

    asked = resolve(text)
    assert drawn() == asked
    without = drawn(asked[0])
    assert asked[0] not in without
    assert without[: len(asked) - 1] == asked[1:]
    assert sorted(drawn(*IDS.tolist())) == sorted(asked)
