"""What a person may set of attribution algorithms: each setting is declared once, with its range.

The page's controls and the command line's flags are made from these. Nothing here loads torch.
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
"""Names that the command line and the page's links have in use."""


@dataclass(frozen=True, kw_only=True)
class Setting(ABC, Generic[Value]):
    """One thing to set.

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
        """Which values there are, in words."""

    @abstractmethod
    def check(self, value: SettingValue) -> Value:
        """Return `value` in the setting's own type, or raise `UserError` where it is not allowed."""

    def of(self, settings: Settings) -> Value:
        """Return this setting's value among complete ones."""
        return cast(Value, settings[self.name])


@dataclass(frozen=True, kw_only=True)
class Number(Setting[Amount]):
    """A number from `minimum` to `maximum`; a whole one where the default is.

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
        raise UserError(f"The setting {self.name} is {whole} {self.allowed}, not {value}.")


@dataclass(frozen=True, kw_only=True)
class Choice(Setting[str]):
    """One of several words; `choices` says for each how the page calls it."""

    choices: Mapping[str, str]

    @property
    def allowed(self) -> str:
        """All choices."""
        return ", ".join(self.choices)

    def check(self, value: SettingValue) -> str:
        """Return one of the choices, or raise `UserError`."""
        if value not in self.choices:
            raise UserError(f"There is no {self.name} {value}; there are {self.allowed}.")
        return str(value)


BASELINE = Choice(
    name="baseline",
    title="Compared with an empty picture that is …",
    default="empty",
    help="A map tells what the picture adds to this one: another baseline asks another question.",
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
    help="Small patches show details, large ones what parts do together.",
    minimum=2,
    maximum=28,
    offered=(4, 7, 14),
)
NOISE = Number(
    name="noise",
    title="Noise",
    default=0.1,
    help="Standard deviation of what is added to the pixels, of values from 0 to 1.",
    minimum=0.0,
    maximum=0.5,
    above_minimum=True,
    offered=(0.05, 0.1, 0.2),
)


def baseline_value(pixels: Tensor, settings: Settings) -> float:
    """Return the value of all pixels (n, c, h, w) of the baseline: "empty" is black paper or mid-grey."""
    empty = 0.0 if pixels.shape[1] == 1 else 0.5
    return {"empty": empty, "black": 0.0, "grey": 0.5, "white": 1.0}[BASELINE.of(settings)]
