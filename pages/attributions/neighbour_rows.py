"""Rows of maps for adversarial neighbours, to stand under the pictures they belong to."""

from pages.shared.attribution_pictures import MapRow
from pages.shared.measurements import measured
from unlearn_core.artifacts.predictions import Comparison
from unlearn_core.measuring.attribution.registry import Settings, algorithm_entry


def neighbour_rows(
    run_id: str, comparison: Comparison, ids: list[int], algorithm: str, settings: Settings
) -> dict[int, MapRow]:
    """Return one row a picture: its neighbour, what it is seen as, and the maps of what speaks for that."""
    title = algorithm_entry(algorithm).title
    found, _ = measured(
        "neighbours",
        f"{title}: looking for adversarial neighbours …",
        run_id=run_id,
        ids=tuple(ids),
        algorithm=algorithm,
        settings=settings,
    )
    name = comparison.short_name
    rows = {}
    for place, one in enumerate(found["ids"].tolist()):
        before, after, target = (found[key][place] for key in ("seen_before", "seen_after", "targets"))
        reached = "" if before == target else f", led towards {name(target)} in vain"
        rows[one] = MapRow(
            found["inputs"][place],
            found["before"][place],
            found["after"][place],
            f"seen as {name(before)}" + ("" if before == after else f", now as {name(after)}"),
            f"adversarial neighbour of {one}{reached}; explained: {name(target)}",
            (("distance (L2)", f"{found['distances'][place]:.2f}"),),
        )
    return rows
