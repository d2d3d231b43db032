"""What attribution maps explain, in words, and what the pages explain unless a person asks otherwise."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from unlearn_core.artifacts.attribution_maps import NO_CLASS, Attributions
from unlearn_core.artifacts.predictions import Comparison
from unlearn_core.measuring.attribution.registry import algorithm_entry
from unlearn_core.measuring.attribution.request import CONTRAST, AttributionRequest
from unlearn_core.measuring.attribution.settings import BASELINE, baseline_colour

NO_ALGORITHM = "No attribution algorithm gives right maps for this classifier."


class Side(NamedTuple):
    """The ends of a legend in words; maps without negative values have one side only."""

    less: str
    more: str
    two_sided: bool = True


FOR_A_CLASS = Side("against the class", "for the class")
HOW_MUCH = Side("matters little", "matters much", two_sided=False)
ON_THE_SCORE = Side("blue: lowers the score", "orange: raises the score")
FOR_THE_LABEL = Side("blue: says the other class", "orange: says its label")


def target_of(algorithm: str, target: str = CONTRAST) -> str:
    """Return what the pages explain: without a sign a map shows no sides, so it explains the label alone."""
    return "label" if target == CONTRAST and not algorithm_entry(algorithm).signed else target


def explained_words(comparison: Comparison, shown: Attributions, row: int) -> str:
    """Return what one picture's maps explain, such as "orange: 2 rather than 8"."""
    first, second = (int(one[row]) for one in (shown.targets, shown.against))
    if second == NO_CLASS:
        return f"explained: {comparison.short_name(first)}"
    return f"orange: {comparison.short_name(first)} rather than {comparison.short_name(second)}"


def film_words(comparison: Comparison, targets: NDArray[np.int64], against: NDArray[np.int64]) -> str:
    """Return what the maps of a film explain, picture by picture from left to right; (n,) each."""
    name = comparison.short_name
    if NO_CLASS in against:
        return "Explained: " + ", ".join(name(one) for one in targets) + "."
    pairs = [f"{name(a)} rather than {name(b)}" for a, b in zip(targets, against, strict=True)]
    order = "" if len(pairs) == 1 else "in the pictures from left to right: "
    return f"Orange says {order}{', '.join(pairs)}; blue says the reverse."


def side_of(comparison: Comparison, algorithm: str, shown: Attributions) -> Side:
    """Return the legend of one algorithm's maps."""
    pairs = set(zip(shown.targets.tolist(), shown.against.tolist(), strict=True))
    signed = algorithm_entry(algorithm).signed
    if not signed and min(shown.before.min(), shown.after.min()) >= 0:
        return HOW_MUCH
    if not signed:
        return ON_THE_SCORE
    if NO_CLASS in {against for _, against in pairs}:
        return FOR_A_CLASS
    if len(pairs) > 1:
        return FOR_THE_LABEL
    first, second = (comparison.short_name(one) for one in pairs.pop())
    return Side(f"blue: says {second} rather than {first}", f"orange: says {first} rather than {second}")


def what_is_explained(requests: Iterable[AttributionRequest], chosen: str, channels: int) -> str:
    """Return sentences on the explained score, on the baseline and on algorithms without a sign.

    Args:
        requests: one per algorithm, for the same pictures.
        chosen: the target that the person chose for all of them.
        channels: of the pictures.
    """
    known = [(one, algorithm_entry(one.algorithm)) for one in requests]
    words = []
    if any(one.target == CONTRAST for one, _ in known):
        words.append(
            "The explained score is a contrast: the score of the old label less that of the new prediction, "
            "or of the runner-up where the prediction did not change; the same two classes before and after."
        )
    words += dict.fromkeys(baseline_words(one, channels) for one, _ in known)
    plain = [entry.title for _, entry in known if not entry.signed]
    if plain and chosen == CONTRAST:
        words.append(
            f"{' and '.join(plain)}: without evidence for and against, so the old label alone is explained."
        )
    return " ".join(one for one in words if one)


def baseline_words(request: AttributionRequest, channels: int) -> str:
    """Return what the maps of pictures with this number of channels compare with; "" if with nothing."""
    if BASELINE not in algorithm_entry(request.algorithm).settings:
        return ""
    return f"Baseline: a {baseline_colour(channels, dict(request.settings))} picture."
