"""Rows of maps for adversarial neighbours, shown below the pictures they belong to."""

from pages.shared.attribution_pictures import MapRow
from pages.shared.measurements import measured_as
from unlearn_core.artifacts.adversarial_neighbours import read_adversarial_neighbours
from unlearn_core.artifacts.predictions import Comparison
from unlearn_core.engine.looks import NeighboursRequest
from unlearn_core.measuring.attribution.registry import algorithm_entry
from unlearn_core.measuring.attribution.request import AttributionRequest


def neighbour_rows(comparison: Comparison, request: AttributionRequest) -> dict[int, MapRow]:
    """Return one row per picture: its neighbour, the prediction for it, and the maps of the target class."""
    title = algorithm_entry(request.algorithm).title
    found, _ = measured_as(
        read_adversarial_neighbours,
        NeighboursRequest(request),
        f"{title}: searching for adversarial neighbours …",
    )
    name = comparison.short_name
    rows = {}
    for place, one in enumerate(found.ids.tolist()):
        before, after, target = found.seen_before[place], found.seen_after[place], found.targets[place]
        reached = "" if before == target else f" (target {name(target)} not reached)"
        rows[one] = MapRow(
            found.inputs[place],
            found.before[place],
            found.after[place],
            name(before) if before == after else f"{name(before)} → {name(after)}",
            f"adversarial neighbour of {one}{reached}; here orange: for {name(target)}",
            (("distance (L2)", f"{found.distances[place]:.2f}"),),
        )
    return rows
