import math

import pytest

from unlearn_core.artifacts.intervals import area_under_curve, paired_half_width, wilson_interval


def test_wilson_against_values_worked_out_by_hand() -> None:
    # n = 10, no hit: from 0 to z² / (n + z²).
    assert wilson_interval(0, 10) == pytest.approx((0, 100 * 3.841459 / 13.841459), abs=1e-3)
    # Half of 100: 50 ± z / 2 / sqrt(100 + z²).
    half = 100 * 1.959964 / 2 / math.sqrt(103.841459)
    assert wilson_interval(50, 100) == pytest.approx((50 - half, 50 + half), abs=1e-3)


@pytest.mark.parametrize("n", [1, 7, 1000])
def test_wilson_stays_within_what_is_possible_and_holds_the_share(n: int) -> None:
    for hits in range(n + 1):
        low, high = wilson_interval(hits, n)
        assert 0 <= low <= 100 * hits / n + 1e-9
        assert 100 * hits / n - 1e-9 <= high <= 100


def test_paired_change_by_hand() -> None:
    # 3 lost, 1 gained of 98: b = 3.5, c = 1.5, n = 100.
    expected = 100 * 1.959964 * math.sqrt((0.05 - 0.02**2) / 100)
    assert paired_half_width(3, 1, 98) == pytest.approx(expected)


def test_more_pictures_make_it_surer_and_no_change_is_not_certainty() -> None:
    assert paired_half_width(0, 0, 4000) < paired_half_width(0, 0, 100)
    assert paired_half_width(0, 0, 4000) > 0


def test_the_area_under_a_curve_counts_ties_half() -> None:
    assert area_under_curve([1, 2], [0, 0.5]) == 1
    assert area_under_curve([0.1], [0.5, 0.9, 0.3]) == 0
    # Of six pairs two are greater and one is a tie.
    assert area_under_curve([1, 3], [2, 1, 4]) == pytest.approx((2 + 0.5) / 6)
