"""How deep to forget: what is demanded beyond the forget set itself. Nothing here loads torch."""

from dataclasses import dataclass

from unlearn_core.forgetting.entry import Option


@dataclass(frozen=True)
class DepthChoice:
    """A choice of depth; `views`: share of slightly deformed views that must be forgotten too, 0 to 1."""

    name: str
    title: str
    summary: str
    views: float


DEPTHS = (
    DepthChoice("just-enough", "Just enough", "These very pictures; slightly changed copies come back.", 0.0),
    DepthChoice("firm", "Firm", "Most slightly changed copies are forgotten too.", 0.7),
    DepthChoice("deep", "Deep", "Nearly all slightly changed copies are forgotten too.", 0.9),
)

DEFAULT_DEPTH = 1

DEPTH_OPTION = Option(
    "depth",
    DEFAULT_DEPTH,
    0,
    len(DEPTHS) - 1,
    ", ".join(f"{number}: {depth.title.lower()}" for number, depth in enumerate(DEPTHS)) + ".",
)


def depth_number(name: str) -> int:
    """Return the value of the option `depth` for a name in `DEPTHS`."""
    return [depth.name for depth in DEPTHS].index(name)
