"""How deep to forget: what is demanded beyond the forget set itself. Nothing here loads torch."""

from dataclasses import dataclass

from unlearn_core.common.budget import Budget
from unlearn_core.forgetting.entry import Option


@dataclass(frozen=True)
class DepthChoice:
    """A choice of depth.

    Attributes:
        name: on the command line.
        title: on the page.
        summary: what is forgotten.
        views: share of slightly deformed views that must be forgotten too, 0 to 1.
        retain: accuracy on D_r after it, in percent.
        copies: percentage of changed copies recognised after it.

    `retain` and `copies` are means over seeds 0 to 2 for 16 random digits (`benchmarks.depth`); before, they
    are 100 and 98.
    """

    name: str
    title: str
    summary: str
    views: float
    retain: float
    copies: float

    @property
    def price(self) -> str:
        """What it cost where it was measured, as a sentence."""
        return (
            f"Measured on sixteen digits: {self.retain:.1f} % of the others are still right, and "
            f"{self.copies:.0f} % of slightly changed copies are recognised."
        )


DEPTHS = (
    DepthChoice(
        "just-enough", "Just enough", "These very pictures; slightly changed copies come back.", 0.0, 99.9, 71
    ),
    DepthChoice("firm", "Firm", "Most slightly changed copies are forgotten too.", 0.7, 99.1, 28),
    DepthChoice("deep", "Deep", "Still more of the slightly changed copies are forgotten.", 0.9, 98.1, 18),
)

_DEFAULT = Budget(small=1, large=0)
"""Firm takes half a minute for a photo on a CPU, and a relabelled one then costs many others."""

DEPTH_OPTION = Option(
    "depth",
    -1,
    -1,
    len(DEPTHS) - 1,
    ", ".join(f"{number}: {depth.title.lower()}" for number, depth in enumerate(DEPTHS))
    + "; -1 chooses by picture size.",
)


def default_depth(input_size: int) -> int:
    """Return the number of the depth for pictures of this side in pixels, where nobody chose one."""
    return _DEFAULT.of(input_size)


def depth_number(name: str) -> int:
    """Return the value of the option `depth` for a name in `DEPTHS`."""
    return [depth.name for depth in DEPTHS].index(name)
