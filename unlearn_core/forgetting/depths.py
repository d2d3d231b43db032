"""How deep to forget: what is demanded beyond the forget set itself. Nothing here loads torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import log

from unlearn_core.common.budget import SMALL
from unlearn_core.common.counted import counted
from unlearn_core.forgetting.entry import Option


@dataclass(frozen=True)
class DepthChoice:
    """A choice of depth.

    Attributes:
        name: on the command line.
        title: on the page.
        summary: what is forgotten.
        views: share of slightly deformed views that must be forgotten too, 0 to 1.
        measured: by number of random digits to forget: accuracy on D_r after it and changed copies recognised
            after it, in percent; means over seeds 0 to 2 (`benchmarks.depth`). Before, they are 100 and 98.
    """

    name: str
    title: str
    summary: str
    views: float
    measured: Mapping[int, tuple[float, float]]

    def price(self, instances: int) -> str:
        """Return what it cost where it was measured for about as many instances, as a sentence."""
        digits = min(self.measured, key=lambda count: abs(log(count / max(1, instances))))
        retain, copies = self.measured[digits]
        return (
            f"In tests on {counted(digits, 'digit')}, mean of three runs, {retain}% of the others were still "
            f"recognised, and so were {copies:.0f}% of slightly changed copies."
        )


MEASURED_WITH = "mnist-resnet"
"""The classifier of `DepthChoice.measured`."""

DEPTHS = (
    DepthChoice(
        "just-enough",
        "Just enough",
        "These very pictures; slightly changed copies come back.",
        0.0,
        {1: (99.97, 43), 4: (99.93, 60), 16: (99.8, 69), 64: (97.8, 73)},
    ),
    DepthChoice(
        "firm",
        "Firm",
        "Most slightly changed copies are forgotten too.",
        0.7,
        {1: (99.94, 33), 4: (99.8, 28), 16: (99.4, 26), 64: (88.8, 21)},
    ),
    DepthChoice(
        "deep",
        "Deep",
        "Still more of the slightly changed copies are forgotten.",
        0.9,
        {1: (99.93, 25), 4: (99.5, 18), 16: (98.7, 18), 64: (81.2, 12)},
    ),
)

_FIRM_UP_TO = 16
"""Grey instances. Sixteen pictures of CIFAR-10 cost 2 points of the others firm, 0.3 just enough (README)."""

DEPTH_OPTION = Option(
    "depth",
    -1,
    -1,
    len(DEPTHS) - 1,
    ", ".join(f"{number}: {depth.title.lower()}" for number, depth in enumerate(DEPTHS))
    + "; -1 chooses by the kind and the number of the pictures.",
)


def default_depth(input_size: int, channels: int, instances: int) -> int:
    """Return the number of the depth where nobody chose one: firm where it costs little, else just enough.

    Args:
        input_size: side of the pictures in pixels.
        channels: of the pictures.
        instances: to forget, those of earlier runs of a chain included.
    """
    return int(input_size <= SMALL and channels == 1 and instances <= _FIRM_UP_TO)


def depth_number(name: str) -> int:
    """Return the value of the option `depth` for a name in `DEPTHS`."""
    return [depth.name for depth in DEPTHS].index(name)


def depth_name(options: Mapping[str, float]) -> str | None:
    """Return the name of the depth that these options of a method ask for, None if they name none."""
    number = int(options.get(DEPTH_OPTION.name, -1))
    return DEPTHS[number].name if number >= 0 else None
