"""The forgetting methods that can be picked, without importing torch.

A method is one small file in `methods/` and one entry in `METHODS`. The entry says what a person picks and
tunes; the file says what to prepare and what the loss is.
"""

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from unlearn_core.errors import UserError

if TYPE_CHECKING:
    from unlearn_core.forgetting.methods.base import Method


@dataclass(frozen=True)
class Option:
    """One number that a method lets a person tune, with its default and its range (both ends allowed)."""

    name: str
    default: float | int
    low: float | int
    high: float | int
    help: str

    def check(self, value: float | int) -> float | int:
        """Return `value` in the option's own type, or raise `UserError` where it is not in range."""
        number = type(self.default)(value)
        if number != value or not self.low <= number <= self.high:
            kind = "a whole number" if isinstance(self.default, int) else "a number"
            raise UserError(f"Option {self.name} must be {kind} from {self.low} to {self.high}, not {value}.")
        return number


@dataclass(frozen=True)
class MethodEntry:
    """What a person sees of a method: `target` is `module:class`, imported only in a worker."""

    name: str
    title: str
    summary: str
    paper: str
    target: str
    options: tuple[Option, ...]
    uses_retained_data: bool = False

    def load(self) -> "type[Method]":
        """Import and return the method's class."""
        module, _, name = self.target.partition(":")
        return getattr(import_module(module), name)

    def complete(self, given: dict[str, float | int]) -> dict[str, float | int]:
        """Return every option with its given or default value; unknown names raise `UserError`."""
        known = {option.name: option for option in self.options}
        for name in given:
            if name not in known:
                raise UserError(f"Method {self.name} has no option {name}; it has {', '.join(known)}.")
        return {name: option.check(given.get(name, option.default)) for name, option in known.items()}
