"""What a result says in words, and the pictures to forget while they are being forgotten."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np

from pages.shared.choices import distinct_titles
from pages.shared.glossary import TERMS, explained
from pages.shared.live_chart import how_to_read
from pages.shared.live_pictures import live_pictures_html
from pages.shared.outcome_words import NOTHING_CHANGED, is_costly, is_deep, outcome_sentences
from pages.shared.words import SETS, plain
from tests.made import result, step
from unlearn_core.artifacts.image_table import ImageTable
from unlearn_core.catalog.entries import classifiers

PAGES = Path(__file__).parents[2] / "pages"
SECOND_NAMES = ("forget set", "retain set", "test set", "anchors:", "settling phase", "repair phase")


def depth(after: float, shifted: int | None) -> dict[str, object]:
    copies = {"before": 100.0, "after": after, "n": 4, "interval": (0.0, 100.0), "shifted": shifted}
    rounded = {"rounded_8_bits": 0.0, "rounded_4_bits": 0.0}
    return {"changed_copies": copies, "return_point": None, "margin": -1.0, **rounded}


def test_the_outcome_is_three_sentences() -> None:
    gone = {"before": 100.0, "after": 0.0, "n": 4}
    group = {"before": 100.0, "after": 99.9, "n": 4000}
    found = result(
        accuracy={"forget": gone, "retain": group, "test": group},
        agreement={"retain": 99.875, "test": 99.0, "retain_n": 4000},
        depth=depth(71.0, 3),
    )
    assert outcome_sentences(found) == (
        "All 4 are no longer recognised.",
        "5 of 4,000 others are predicted differently.",
        "*Only just*: 71% of slightly changed copies are still recognised; of those shifted by one pixel, 3 "
        "of 4.",
    )
    firm = found.model_copy(update={"depth": result(depth=depth(28.0, 0)).depth})
    assert outcome_sentences(firm)[2] == (
        "But 28% of slightly changed copies are still recognised; of those shifted by one pixel, none of 4."
    )
    assert not is_costly(found)
    changed = {"retain": 73.0, "test": 99.0, "retain_n": 4000}
    lost = found.model_copy(update={"agreement": result(agreement=changed).agreement})
    assert outcome_sentences(lost)[1] == "1,080 of 4,000 others are predicted differently (27%)."
    less = {"before": 99.9, "after": 90.0, "n": 4000}
    costly = firm.model_copy(update={"depth": result(depth=depth(8.0, 0)).depth})
    assert outcome_sentences(costly)[2].startswith("*Deep*: 8% of slightly")
    worse = costly.model_copy(
        update={"accuracy": result(accuracy={"forget": gone, "retain": less, "test": group}).accuracy}
    )
    assert is_costly(worse)
    assert outcome_sentences(worse)[2].startswith("8% of slightly")
    assert is_costly(result(accuracy={"forget": gone, "retain": group, "test": less}))
    relabelled = found.model_copy(update={"goal": "relabel"})
    assert outcome_sentences(relabelled)[0] == "All 4 are now taken for their new class."


def test_nothing_is_claimed_beyond_what_was_reached_or_measured() -> None:
    assert outcome_sentences(result()) == (
        "2 of 4 are no longer recognised.",
        "2 of 4 others are predicted differently.",
    )
    never = {"before": 0.0, "after": 0.0, "n": 1}
    one = result(k=1, ids=[3], accuracy={"forget": never, "retain": never, "test": never})
    assert outcome_sentences(one)[0] == "The classifier never recognised this picture."
    half = {"before": 50.0, "after": 0.0, "n": 4}
    some = result(accuracy={"forget": half, "retain": half, "test": half})
    assert outcome_sentences(some)[0] == (
        "All 4 are no longer recognised. 2 of 4 were not recognised before either."
    )
    unlabelled = {"before": None, "after": None, "n": 0}
    photos = result(accuracy={"forget": half, "retain": unlabelled, "test": unlabelled})
    assert outcome_sentences(photos)[1] == "40% of the others are predicted differently."


def test_a_part_of_the_way_a_sample_and_what_was_never_known_are_said_as_such() -> None:
    gone = {"before": 100.0, "after": 0.0, "n": 100}
    kept = {"before": 100.0, "after": 100.0, "n": 4}
    many = result(
        k=100,
        accuracy={"forget": gone, "retain": kept, "test": kept},
        depth=depth(20.0, 1),
    )
    assert outcome_sentences(many)[2].endswith("; of those shifted by one pixel, 1 of the first 4.")
    assert not is_deep(many)
    assert is_deep(many.model_copy(update={"depth": result(depth=depth(10.0, 0)).depth}))
    back = {"before": 100.0, "after": 100.0, "n": 4}
    half = result(
        goal="relabel", accuracy={"forget": back, "retain": kept, "test": kept}, depth=depth(10.0, 0)
    )
    assert outcome_sentences(half, 0.5)[0] == "0 of 4 are no longer recognised."
    assert not is_deep(half)
    never = {"before": 0.0, "after": 0.0, "n": 1}
    one = result(k=1, ids=[3], accuracy={"forget": never, "retain": kept, "test": kept}, depth=depth(40.0, 1))
    assert outcome_sentences(one) == (
        "The classifier never recognised this picture.",
        "2 of 4 others are predicted differently.",
    )
    assert outcome_sentences(one.model_copy(update={"goal": "relabel"}))[0] == (
        "It is now taken for its new class."
    )
    assert outcome_sentences(result(stopped="cancelled", steps=0)) == (NOTHING_CHANGED,)


def test_each_picture_shows_what_it_is_taken_for_and_its_ring_fades() -> None:
    pictures = np.arange(3 * 4, dtype=np.uint8).reshape(3, 2, 2, 1)
    zeros = np.zeros(3, np.float32)
    table = ImageTable(
        ids=np.array([7, 8, 9]),
        is_test=np.zeros(3, bool),
        labels=np.array([0, 1, 1]),
        labelled=np.ones(3, bool),
        predictions=np.array([0, 1, 1]),
        top_confidences=zeros,
        confidences=zeros,
        losses=zeros,
        thumbnails=pictures,
        class_names=("cat", "dog, Canis"),
        own_names=(),
        own_classes=np.empty(0, np.int64),
        own_how=(),
        notes=(),
    )
    now = step(3, 1, k=2, predictions=(0, 1), confidences=(0.75, 0.98), label_confidences=(0.2, 0.98))
    html = live_pictures_html(table, [9, 8], now)
    assert re.findall(r"<b>(.*?)</b> (\d+)%", html) == [("cat", "75"), ("dog", "98")]
    assert re.findall(r'style="--ring: ([\d.]+)"', html) == ["0.20", "0.98"]
    assert "picture 9, a dog, taken for cat, 75%" in html


def test_a_term_is_said_in_one_way_on_all_pages() -> None:
    for file in PAGES.rglob("*.py"):
        words = re.sub(r'"""[\s\S]*?"""|#.*', "", file.read_text(encoding="utf-8"))
        said = " ".join(re.findall(r'"([^"]*)"', words)).lower()
        assert [name for name in SECOND_NAMES if name in said] == [], file


def test_every_term_is_explained_and_every_explanation_is_used() -> None:
    assert {words.name for words in SETS.values()} <= set(TERMS)
    pages = "".join(file.read_text(encoding="utf-8") for file in PAGES.rglob("*.py")).replace("'", '"')
    cards = {words.name for words in SETS.values()} | {"agreement"}
    for term in TERMS:
        assert term in cards or f'explained("{term}")' in pages, term
    assert explained("kept (D_r)").endswith("no longer recognised.")


def test_the_caption_speaks_of_the_curves_that_are_there() -> None:
    steps = [step(number, anchor_agreement=None) for number in range(3)]
    assert "kept picture" not in how_to_read(steps, relabel=False, n=1)
    words = how_to_read([*steps, step(3, retain_accuracy=100.0)], relabel=False, n=1)
    assert "a sample of 1 kept picture, for measuring alone;" in words
    assert not re.search("Dotted|Orange|dashed", words)
    steps = [
        step(number, anchor_agreement=99.0, retain_accuracy=99.0, repairing=number == 1)
        for number in range(2)
    ]
    words = how_to_read(steps, relabel=True, n=128)
    assert re.search("128 kept pictures.*Orange.*Dotted.*dashed", words)


def test_names_are_no_markdown() -> None:
    assert plain("![](https://evil.example/x.png) :red[*a*] $x$") == (
        r"\!\[\](https\://evil.example/x.png) \:red\[\*a\*\] \$x\$"
    )
    assert plain("__init__") == r"\_\_init\_\_"
    assert plain("T-shirt (grey), 100%") == "T-shirt (grey), 100%"


def test_two_entries_with_one_title_have_their_names_beside_it() -> None:
    first, *others = classifiers()
    twin = replace(first, name="another")
    titles = distinct_titles([first, twin, *others])
    assert titles[first.name] == f"{first.title} ({first.name})"
    assert titles["another"] == f"{first.title} (another)"
    assert titles[others[0].name] == others[0].title
    assert len(set(titles.values())) == len(titles)
