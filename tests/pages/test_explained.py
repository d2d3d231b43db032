"""What the pages say of maps: their legend, what they explain, scores, curves and conclusions."""

import base64
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pages.attributions.attribution_rows import UNKNOWN, Yardstick
from pages.attributions.conclusion import conclusion, trust_words
from pages.attributions.sanity_view import sanity_html, verdict
from pages.compare.run_maps import contest
from pages.shared.attribution_pictures import legend_html
from pages.shared.deletion_curves import curves_html, decisive_tenth
from pages.shared.explained_words import (
    FOR_A_CLASS,
    FOR_THE_LABEL,
    HOW_MUCH,
    ON_THE_SCORE,
    Side,
    explained_words,
    film_words,
    side_of,
    target_of,
    what_is_explained,
)
from pages.shared.score_bars import score_bars_html
from tests.run_folder import write_predictions
from unlearn_core.artifacts.attribution_maps import NO_CLASS, Attributions
from unlearn_core.artifacts.attribution_quality import AttributionQuality, MapQuality
from unlearn_core.artifacts.attribution_sanity import SanityCheck
from unlearn_core.artifacts.predictions import Comparison, read_comparison
from unlearn_core.measuring.attribution.request import AttributionRequest
from unlearn_core.measuring.attribution.yardstick import kept_pictures, median


@pytest.fixture
def comparison(tmp_path: Path) -> Comparison:
    write_predictions(tmp_path)
    return read_comparison(tmp_path)


def maps_of(targets: list[int], against: list[int], lowest: float = -1.0) -> Attributions:
    """Return maps of the first pictures of the run made by hand."""
    n = len(targets)
    maps = np.full((n, 4, 4), lowest, np.float32)
    return Attributions(
        inputs=np.zeros((n, 4, 4, 1), np.uint8),
        before=maps,
        after=maps,
        ids=np.arange(100, 100 + n),
        targets=np.array(targets),
        against=np.array(against),
        scores_before=np.array([[9.5, 2.25]] * n, np.float32),
        scores_after=np.array([[-3.0, 5.0]] * n, np.float32),
        rank_correlation=np.full(n, 0.5),
        similarity=np.full(n, 0.5),
    )


def test_a_pair_is_named_in_words(comparison: Comparison) -> None:
    shown = maps_of([0, 1], [1, NO_CLASS])
    assert explained_words(comparison, shown, 0) == "orange: cat rather than dog"
    assert explained_words(comparison, shown, 1) == "explained: dog"
    words = film_words(comparison, np.array([0, 1]), np.array([1, 2]))
    assert words == (
        "Orange says in the pictures from left to right: cat rather than dog, dog rather than cow; blue says "
        "the reverse."
    )
    alone = film_words(comparison, np.array([0]), np.array([1]))
    assert alone == "Orange says cat rather than dog; blue says the reverse."
    assert film_words(comparison, np.array([0, 2]), np.array([NO_CLASS] * 2)) == "Explained: cat, cow."


def test_the_legend_says_what_the_colours_mean(comparison: Comparison) -> None:
    deeplift = "deeplift"
    one = side_of(comparison, deeplift, maps_of([0, 0], [1, 1]))
    assert one == Side("blue: says dog rather than cat", "orange: says cat rather than dog")
    assert side_of(comparison, deeplift, maps_of([0, 1], [1, 0])) == FOR_THE_LABEL
    assert side_of(comparison, deeplift, maps_of([0], [NO_CLASS])) == FOR_A_CLASS
    assert side_of(comparison, "saliency", maps_of([0], [NO_CLASS], 0.0)) == HOW_MUCH
    assert side_of(comparison, "guided-backprop", maps_of([0], [NO_CLASS])) == ON_THE_SCORE
    html = legend_html([one, HOW_MUCH, one])
    assert html.count("says cat rather than dog") == 1
    assert html.count('class="bar one"') == 1


def test_what_is_explained_and_the_baseline_are_said() -> None:
    requests = [
        AttributionRequest.parse("0" * 8, [3], name, target_of(name), settings)
        for name, settings in (("deeplift", {"baseline": "white"}), ("saliency", {}))
    ]
    assert [one.target for one in requests] == ["contrast", "label"]
    words = what_is_explained(requests, "contrast", 1)
    assert "The explained score is a contrast" in words
    assert "Baseline: a white picture." in words
    assert "Saliency: without evidence for and against" in words
    assert what_is_explained([replace(requests[1], target="new")], "new", 1) == ""
    empty = AttributionRequest.parse("0" * 8, [3], "occlusion", "label")
    assert [what_is_explained([empty], "label", channels) for channels in (1, 3)] == [
        "Baseline: a black picture.",
        "Baseline: a mid-grey picture.",
    ]
    assert target_of("saliency", "3-8") == "3-8"


def test_the_scores_stand_as_bars(comparison: Comparison) -> None:
    html = score_bars_html(comparison, maps_of([0], [1]), 0)
    # Of the range from −3 to 9.5: before to the right of zero, after one to its left.
    bars = re.findall(r'class="(first|second)" style="left: ([0-9.]+)%; width: ([0-9.]+)%"', html)
    assert bars == [
        ("first", "24.0", "76.0"),
        ("second", "24.0", "18.0"),
        ("first", "0.0", "24.0"),
        ("second", "24.0", "40.0"),
    ]
    assert re.findall(r"<b[^>]*>([^<]+)</b>", html) == ["9.5", "2.2", "−3.0", "5.0"]
    assert re.findall(r'<b class="ahead">([^<]+)', html) == ["9.5", "5.0"]
    assert re.findall(r'<i class="(\w+)"></i>(\w+)', html) == [("first", "cat"), ("second", "dog")]
    alone = replace(maps_of([0], [NO_CLASS]), scores_after=np.array([[2.0, np.nan]], np.float32))
    assert score_bars_html(comparison, alone, 0).count("<b>") == 2
    old = replace(alone, scores_after=np.full((1, 2), np.nan, np.float32))
    assert score_bars_html(comparison, old, 0) == ""


def test_the_conclusion_says_who_leads_and_how_kept_pictures_fared(comparison: Comparison) -> None:
    stick = Yardstick([0.7, 0.68, 0.1], [0.95, 0.9, 1.0])
    words = conclusion(comparison, maps_of([0], [1]), [100, 101], stick)
    assert words == (
        "**Before, cat led dog by 7.2 in score; now dog leads cat by 8.0.** "
        "Maps of forgotten pictures changed more than those of kept ones. Rank correlation before and after: "
        "forgotten 0.68, kept 0.95 (medians of 3)."
    )
    assert "kept ones, Saliency. Rank" in conclusion(
        comparison, maps_of([0], [1]), [100, 101], stick, "Saliency"
    )
    several = conclusion(comparison, maps_of([0, 1, 0], [1, 0, 1]), [100, 101], stick)
    assert several.startswith("**In 2 of 2 forgotten pictures the other class leads now.**")
    before = replace(maps_of([0, 1], [1, 0]), scores_before=np.array([[9.5, 2.25], [1.0, 2.0]], np.float32))
    never = conclusion(comparison, before, [100, 101], stick)
    assert "In 2 of 2 forgotten pictures the other class leads now (1 of them before as well)." in never
    alone = conclusion(comparison, maps_of([0], [NO_CLASS]), [100], Yardstick([0.7], [0.9, 0.8]))
    assert alone.endswith("forgotten 0.70, kept 0.85 (medians of 1 and 2).")
    same = conclusion(comparison, maps_of([0], [1]), [100, 101], Yardstick([0.9], [0.91]))
    assert "changed as much as those of kept ones." in same
    less = conclusion(comparison, maps_of([0], [1]), [100, 101], Yardstick([0.9], [0.8]))
    assert "changed less than those of kept ones." in less
    one = conclusion(comparison, maps_of([0], [1]), [100, 101], Yardstick([0.9], []))
    assert one.endswith("Rank correlation of maps before and after: forgotten 0.90 (medians of 1).")
    early = conclusion(comparison, maps_of([0], [1]), [100], UNKNOWN)
    assert early == "**Before, cat led dog by 7.2 in score; now dog leads cat by 8.0.**"
    assert "None of these pictures" in conclusion(comparison, maps_of([0], [1]), [105], stick)


def test_the_verdict_says_whether_the_first_tenth_decides() -> None:
    unknown = np.full(2, np.nan)
    curves = np.ones((2, 2, 11))
    curves[:, 0, 1] = 0.1, 0.2
    each = MapQuality(unknown, unknown, unknown)
    quality = AttributionQuality(np.arange(2), each, each, deletion=curves, insertion=curves)
    assert trust_words(quality) == (
        "**These maps mark what decides**: with the tenth of the pixels emptied that they rank first, the "
        "probability before forgetting goes from 100 to 15% (the median of 2 pictures)."
    )
    curves[:, 0, 1] = 0.6
    assert trust_words(quality, "Saliency").startswith(
        "**Saliency: these maps mark only a part of what decides**"
    )
    old = replace(quality, deletion=np.full((2, 2, 11), np.nan))
    assert trust_words(old) == ""


def test_kept_pictures_are_recognised_ones_of_the_kept(comparison: Comparison) -> None:
    # Picture 106 was not recognised before; 100 and 101 are forgotten, 107 to 109 never seen.
    assert kept_pictures(comparison, 16) == [102, 103, 104, 105]
    assert len(kept_pictures(comparison, 2)) == 2
    assert kept_pictures(replace(comparison, group=np.where(comparison.group == 1, 0, 2)), 16)
    assert kept_pictures(replace(comparison, group=0 * comparison.group), 16) == []
    assert median([0.2, np.nan, 0.4]) == pytest.approx(0.3)
    assert np.isnan(median([np.nan]))


def test_runs_are_compared_by_one_pair_of_classes(comparison: Comparison) -> None:
    others = [
        replace(comparison, after=np.where(comparison.ids == 100, new, comparison.after)) for new in (2, 2, 0)
    ]
    assert contest(100, [comparison, *others]) == "0-2"
    assert contest(100, [comparison, others[2]]) == "0-1"
    assert contest(102, [comparison, *others]) == "contrast"


def test_curves_are_pictures_and_name_the_decisive_tenth() -> None:
    falls = np.array([1.0, 0.9, 0.15, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.0])
    assert decisive_tenth(falls) == "2nd, 90 → 15%"
    html = curves_html(np.stack([falls, falls]), np.stack([falls, falls])[:, ::-1])
    first, second = re.findall(r"data:image/svg\+xml;base64,([^\"]+)", html)
    svg = base64.b64decode(first).decode()
    assert svg.count("<polyline") == 2
    assert 'points="0.0,0.0 8.4,4.0' in svg
    assert first != second


def test_a_map_that_random_weights_leave_alone_is_named() -> None:
    maps = np.ones((2, 4, 4), np.float32)
    pictures = np.zeros((2, 4, 4, 1), np.uint8)
    check = SanityCheck(np.array([3, 14]), pictures, maps, maps, maps, np.full(2, 0.97), np.full(2, 0.6))
    html = sanity_html([("<Guided>", check)], ["3", "14"])
    assert html.count("<img") == 3
    assert "&lt;Guided&gt;" in html
    assert "says nothing about forgetting" in html
    assert "0.97" in html
    assert "nothing" in verdict(0.95, 0.1)
    assert verdict(0.3, 0.1).startswith("Changes with the weights")
