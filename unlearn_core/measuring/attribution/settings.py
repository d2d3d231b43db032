"""Settings of attribution algorithms, each declared once with its range.

The controls of the page and the flags of the command line derive from these. Nothing here loads torch.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar, cast

from unlearn_core.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor

SettingValue = str | int | float
Settings = Mapping[str, SettingValue]
"""Values by the names of settings."""

Value = TypeVar("Value", str, int, float)
Amount = TypeVar("Amount", int, float)

_NAME = re.compile("[a-z][a-z0-9_]*")
_RESERVED = frozenset(("algorithm", "ids", "target", "out", "help", "run_command"))
_RESERVED |= frozenset(("run", "id", "algorithms", "pictures", "opacity", "trust", "neighbours"))
_RESERVED |= frozenset(("against", "sanity"))
"""Names used by the command line and the page's links."""


@dataclass(frozen=True, kw_only=True)
class Setting(ABC, Generic[Value]):
    """One setting.

    Attributes:
        name: of the flag and in links: lower case, digits and underscores.
        title: above the page's control.
        default: its type is the setting's type.
        help: one sentence.
    """

    name: str
    title: str
    default: Value
    help: str

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name) or self.name in _RESERVED:
            raise UserError(f"A setting cannot have the name {self.name!r}.")
        self.check(self.default)

    @property
    @abstractmethod
    def allowed(self) -> str:
        """The allowed values in words."""

    @abstractmethod
    def check(self, value: SettingValue) -> Value:
        """Return `value` in the type of the setting, or raise `UserError` if it is not allowed."""

    def of(self, settings: Settings) -> Value:
        """Return the value of this setting from complete settings."""
        return cast(Value, settings[self.name])


@dataclass(frozen=True, kw_only=True)
class Number(Setting[Amount]):
    """A number from `minimum` to `maximum`; an integer if the default is.

    Attributes:
        above_minimum: the minimum itself is not allowed.
        offered: the values that the page offers; empty: any in the range.
    """

    minimum: Amount
    maximum: Amount
    above_minimum: bool = False
    offered: tuple[Amount, ...] = ()

    @property
    def allowed(self) -> str:
        """The range in words."""
        if self.above_minimum:
            return f"above {self.minimum:g} and at most {self.maximum:g}"
        return f"from {self.minimum:g} to {self.maximum:g}"

    def check(self, value: SettingValue) -> Amount:
        """Return a number in the range, or raise `UserError`."""
        kind = type(self.default)
        in_range = not isinstance(value, str) and self.minimum <= value <= self.maximum
        if in_range and kind(value) == value and not (self.above_minimum and value == self.minimum):
            return kind(value)
        whole = "a whole number" if kind is int else "a number"
        raise UserError(f"The setting {self.name} must be {whole} {self.allowed}, not {value}.")


@dataclass(frozen=True, kw_only=True)
class Choice(Setting[str]):
    """One of several words; `choices` maps each to its title on the page."""

    choices: Mapping[str, str]

    @property
    def allowed(self) -> str:
        """All choices."""
        return ", ".join(self.choices)

    def check(self, value: SettingValue) -> str:
        """Return one of the choices, or raise `UserError`."""
        if value not in self.choices:
            raise UserError(f"There is no {self.name} {value}; available: {self.allowed}.")
        return str(value)


BASELINE = Choice(
    name="baseline",
    title="Baseline",
    default="empty",
    help="The empty picture that maps compare with.",
    choices={
        "empty": "black for digits, mid-grey for photos",
        "black": "black",
        "grey": "mid-grey",
        "white": "white",
    },
)
PATCHES = Number(
    name="patches",
    title="Patches along a side",
    default=7,
    help="Small patches show details, large ones the effect of whole parts.",
    minimum=2,
    maximum=28,
    offered=(4, 7, 14),
)
NOISE = Number(
    name="noise",
    title="Noise",
    default=0.1,
    help="Standard deviation of the noise added to the pixels, whose values are 0 to 1.",
    minimum=0.0,
    maximum=0.5,
    above_minimum=True,
    offered=(0.05, 0.1, 0.2),
)


def baseline_value(pixels: Tensor, settings: Settings) -> float:
    """Return the value of the baseline's pixels for pixels (n, c, h, w): "empty" is black for one channel."""
    return {"black": 0.0, "mid-grey": 0.5, "white": 1.0}[baseline_colour(pixels.shape[1], settings)]


def baseline_colour(channels: int, settings: Settings) -> str:
    """Return the baseline's colour in a word, for pictures with this number of channels."""
    empty = "black" if channels == 1 else "mid-grey"
    return {"empty": empty, "grey": "mid-grey"}.get(BASELINE.of(settings), BASELINE.of(settings))
