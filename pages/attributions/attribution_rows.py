"""One algorithm's maps of all pictures: what workers measured, as rows with words and numbers."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pages.attributions.neighbour_rows import neighbour_rows
from pages.shared.attribution_pictures import MapRow
from pages.shared.deletion_curves import curves_html, decisive_tenth
from pages.shared.explained_words import explained_words
from pages.shared.measurements import measured_as
from pages.shared.score_bars import score_bars_html
from pages.shared.words import FORGET_SET, two_decimals
from unlearn_core.artifacts.attribution_maps import Attributions, read_attributions
from unlearn_core.artifacts.attribution_quality import AttributionQuality, read_attribution_quality
from unlearn_core.artifacts.predictions import EARLIER, FORGET, Comparison
from unlearn_core.common.budget import Budget
from unlearn_core.engine.looks import AttributionMapsRequest, AttributionQualityRequest
from unlearn_core.measuring.attribution.registry import algorithm_entry
from unlearn_core.measuring.attribution.request import AttributionRequest
from unlearn_core.measuring.attribution.yardstick import KEPT, kept_pictures, median

_FORGOTTEN = Budget(16, 0)


@dataclass(frozen=True)
class Measured:
    """What was measured for a request.

    Attributes:
        shown: the maps.
        path: of their file.
        quality: of the maps, if it was asked for.
        neighbours: a row for each picture with an adversarial neighbour, by id.
    """

    shown: Attributions
    path: Path
    quality: AttributionQuality | None
    neighbours: dict[int, MapRow]


def measure_maps(request: AttributionRequest) -> Measured:
    """Let a worker compute the maps of a request."""
    title = algorithm_entry(request.algorithm).title
    shown, path = measured_as(
        read_attributions, AttributionMapsRequest(request), f"{title}: computing maps before and after …"
    )
    return Measured(shown, path, None, {})


def measure_more(
    comparison: Comparison, request: AttributionRequest, maps: Measured, *, trust: bool, near: bool
) -> Measured:
    """Let a worker add to the maps: with `trust` their quality, with `near` the adversarial neighbours."""
    quality = None
    if trust:
        title = algorithm_entry(request.algorithm).title
        quality, _ = measured_as(
            read_attribution_quality,
            AttributionQualityRequest(request),
            f"{title}: measuring quality …",
        )
    known = set(forgotten_ids(comparison))
    ids = tuple(one for one in request.ids if one in known) if near else ()
    neighbours = neighbour_rows(comparison, replace(request, ids=ids)) if ids else {}
    return replace(maps, quality=quality, neighbours=neighbours)


class Yardstick(NamedTuple):
    """Rank correlations of the maps before and after for forgotten and for kept pictures of the run."""

    forgotten: list[float]
    kept: list[float]


UNKNOWN = Yardstick([], [])


def measure_yardstick(comparison: Comparison, request: AttributionRequest, shown: Attributions) -> Yardstick:
    """Let a worker measure the yardstick of a request whose maps are `shown`.

    Where many maps take too long, its forgotten pictures are the ones that are shown.
    """
    side, forgotten = shown.inputs.shape[2], forgotten_ids(comparison)
    more = forgotten[: _FORGOTTEN.of(side)] or [one for one in request.ids if one in forgotten]
    ids = (*more, *kept_pictures(comparison, KEPT.of(side)))
    if not ids:
        return UNKNOWN
    title = algorithm_entry(request.algorithm).title
    found, _ = measured_as(
        read_attributions,
        AttributionMapsRequest(replace(request, ids=ids)),
        f"{title}: maps of forgotten and of kept pictures, to compare with …",
    )
    correlations = found.rank_correlation.tolist()
    return Yardstick(correlations[: len(more)], correlations[len(more) :])


def forgotten_ids(comparison: Comparison) -> list[int]:
    """Return the ids of the forget set."""
    own = (comparison.image_set == 0) & (comparison.group == FORGET)
    return [int(one) for one in comparison.ids[own]]


def map_rows(comparison: Comparison, measured: Measured, yardstick: Yardstick) -> list[MapRow]:
    """Return a row for each picture, its neighbour's below it.

    Args:
        comparison: of the run.
        measured: for one algorithm.
        yardstick: `UNKNOWN` until it is measured.
    """
    rows = []
    for number, one in enumerate(measured.shown.ids.tolist()):
        rows.append(_row(comparison, measured, number, median(yardstick.kept)))
        if one in measured.neighbours:
            rows.append(measured.neighbours[one])
    return rows


def _row(comparison: Comparison, measured: Measured, number: int, kept: float) -> MapRow:
    """Return one picture's maps by one algorithm, with prediction and measurements in words."""
    shown = measured.shown
    own = (comparison.image_set == 0) & (comparison.ids == shown.ids[number])
    position = int(np.flatnonzero(own)[0])
    old, new = comparison.before[position], comparison.after[position]
    named = {FORGET: FORGET_SET.title, EARLIER: "forgotten earlier"}
    kind = named.get(int(comparison.group[position]), "unchanged" if old == new else "changed")
    words = comparison.short_name(old)
    if old != new:
        words += f" → {comparison.short_name(new)}"
    if old != comparison.labels[position]:
        words = f"{comparison.short_name(comparison.labels[position])}, predicted {words}"
    correlation = two_decimals(shown.rank_correlation[number])
    yardstick = "" if np.isnan(kept) else f" (kept {two_decimals(kept)})"
    numbers = [
        ("rank correlation", correlation + yardstick),
        ("SSIM", two_decimals(shown.similarity[number])),
    ]
    curves, details = "", []
    if measured.quality is not None:
        details = _qualities(measured.quality, number)
        curves = curves_html(measured.quality.deletion[number], measured.quality.insertion[number])
    return MapRow(
        shown.inputs[number],
        shown.before[number],
        shown.after[number],
        words,
        f"id {shown.ids[number]}, {kind}; {explained_words(comparison, shown, number)}",
        tuple(numbers),
        tuple(details),
        score_bars_html(comparison, shown, number),
        curves,
    )


def _qualities(quality: AttributionQuality, number: int) -> list[tuple[str, str]]:
    before, after = quality.before, quality.after
    pairs = (
        ("infidelity", before.infidelity, after.infidelity),
        ("sensitivity", before.sensitivity, after.sensitivity),
        ("convergence delta", before.convergence_delta, after.convergence_delta),
    )
    said = [
        (name, f"{two_decimals(old[number])} → {two_decimals(new[number])}")
        for name, old, new in pairs
        if not np.isnan(old[number])
    ]
    first, second = (decisive_tenth(curve) for curve in quality.deletion[number])
    return [*said, ("decisive tenth before", first), ("decisive tenth after", second)]
