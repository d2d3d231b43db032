"""The request of an attribution: one object from the widget to the cache key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from unlearn_core.common.quotas import EXPLAINED
from unlearn_core.common.sharing import is_shared
from unlearn_core.errors import UserError
from unlearn_core.measuring.attribution.registry import algorithm_entry
from unlearn_core.measuring.attribution.settings import Settings, SettingValue

MOST_PICTURES = 64
NO_SETTINGS: Settings = MappingProxyType({})
LABEL = "label"
"""The default target: the old label."""
CONTRAST = "contrast"
"""The target that sets the old label against what is predicted instead."""


@dataclass(frozen=True)
class AttributionRequest:
    """Attributions of pictures before and after a run; create it with `parse`.

    Attributes:
        run_id: a run with weights.
        ids: of pictures of the run's image set, 1 to `MOST_PICTURES`.
        algorithm: the name of an algorithm, or `NAME:LAYER`.
        target: the explained class: "label", "new" (the prediction after the run), or a class index; or the
            difference of two scores: "contrast" (the label's and that of the prediction after the run), or
            two class indices such as "3-8".
        settings: name and value of each of the algorithm's settings.
    """

    run_id: str
    ids: tuple[int, ...]
    algorithm: str
    target: str
    settings: tuple[tuple[str, SettingValue], ...]

    @classmethod
    def parse(
        cls,
        run_id: str,
        ids: Iterable[int],
        algorithm: str,
        target: str = LABEL,
        settings: Mapping[str, SettingValue] = NO_SETTINGS,
    ) -> AttributionRequest:
        """Return a request with defaults for missing settings.

        Errors that depend on the run (unknown pictures or class, an algorithm that is not valid for its
        classifier) are raised later.

        Raises:
            UserError: no pictures or too many, an unknown algorithm or setting, a value out of its range.
        """
        pictures = tuple(int(one) for one in ids)
        most = min(MOST_PICTURES, EXPLAINED.value) if is_shared() else MOST_PICTURES
        if not 0 < len(pictures) <= most:
            raise UserError(f"Choose 1 to {most} pictures.")
        complete = algorithm_entry(algorithm).complete(settings)
        return cls(run_id, pictures, algorithm, target, tuple(complete.items()))
