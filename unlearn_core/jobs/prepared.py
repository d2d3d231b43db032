"""What a run needs before its first step, made while the person still picks.

The run that takes it over ends as it would without: a method that prepares ahead draws from its task's
generator alone.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor

from unlearn_core.catalog.classifiers import Classifier
from unlearn_core.forgetting.loop import ForgettingLoop


@dataclass(frozen=True)
class Prepared:
    """The prepared loop of a job that then ended.

    Attributes:
        loop: before its first step.
        classifier: whose module the loop changes.
        seconds: that this took, by phase.
        look_alikes: some of them, (n, c, h, w) in [0, 1]; None if the method makes none.
    """

    loop: ForgettingLoop
    classifier: Classifier
    seconds: Mapping[str, float]
    look_alikes: Tensor | None


_last: dict[str, Prepared] = {}
"""Of this process, by what it depends on: at most one, as it holds a network and its look-alikes."""


def keep(depends_on: str, prepared: Prepared) -> None:
    """Keep what was prepared for a request, instead of what was kept before."""
    _last.clear()
    _last[depends_on] = prepared


def take(depends_on: Callable[[], str]) -> Prepared | None:
    """Return what was prepared for a request, None if it was another one; it is not kept any longer."""
    found = _last.pop(depends_on(), None) if _last else None
    _last.clear()
    return found
