"""Entries of methods, and options that several share. Nothing here loads torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from unlearn_core.errors import UserError


@dataclass(frozen=True)
class Option:
    """A numeric option of a method, with its default and its inclusive range."""

    name: str
    default: float | int
    low: float | int
    high: float | int
    help: str

    def check(self, value: float | int) -> float | int:
        """Return `value` in the type of the option, or raise `UserError` if it is out of range."""
        in_range = self.low <= value <= self.high
        if not in_range or type(self.default)(value) != value:
            kind = "a whole number" if isinstance(self.default, int) else "a number"
            raise UserError(f"Option {self.name} must be {kind} from {self.low} to {self.high}, not {value}.")
        return type(self.default)(value)


@dataclass(frozen=True)
class MethodEntry:
    """The entry of a method; `target`, `module:class`, is set by the registry."""

    name: str
    title: str
    summary: str
    paper: str
    target: str = ""
    options: tuple[Option, ...] = ()
    retained_data: Literal["none", "optional", "needed"] = "none"
    fixed_length: bool = False
    """Whether its number of steps is given, whatever is forgotten on the way."""
    goals: tuple[str, ...] = ("misclassify", "relabel")
    """The goals that it can aim at."""

    def check_goal(self, goal: str) -> None:
        """Raise `UserError` if the method cannot aim at this goal."""
        if goal not in self.goals:
            others = " or ".join([*self.goals, "another method"])
            raise UserError(f"{self.title} cannot {goal} pictures: choose {others}.")

    def check_retained(self, count: int) -> None:
        """Raise `UserError` if the method cannot use this number of retained pictures."""
        if self.retained_data == "needed" and not count:
            raise UserError(
                f"Method {self.name} trains on retained pictures: set how many it may use (retained)."
            )
        if self.retained_data == "none" and count:
            raise UserError(f"Method {self.name} uses no retained pictures: leave retained at 0.")

    def complete(self, given: dict[str, float | int]) -> dict[str, float | int]:
        """Return every option with its given or default value; unknown names raise `UserError`."""
        known = {option.name: option for option in self.options}
        for name in given:
            if name not in known:
                raise UserError(f"Method {self.name} has no option {name}; it has {', '.join(known)}.")
        return {name: option.check(given.get(name, option.default)) for name, option in known.items()}


STEP_SIZE = Option("learning_rate", 1e-3, 1e-6, 1.0, "Size of the optimiser's steps.")
FORGET_BATCH = Option("forget_batch", 32, 1, 512, "Pictures to forget in each step.")
ATTACK = (
    Option("radius", 4.0, 0.01, 100.0, "How far adversarial examples may go (L2, pixel values 0 to 1)."),
    Option("examples", 20, 1, 1000, "Adversarial examples for each picture to forget."),
    Option("attack_iterations", 100, 1, 1000, "Steps of the attack."),
    Option("attack_step", 0.1, 1e-4, 100.0, "Size of the attack's steps."),
    Option("attack_batch", 256, 1, 4096, "Adversarial examples attacked at once."),
    Option("start_inside", 0, 0, 1, "1: the attack starts anywhere within the radius, not only at its edge."),
    Option("stop_at_target", 0, 0, 1, "1: the attack leaves a picture once it is seen as its target."),
    Option("adversarial_batch", 256, 1, 4096, "Adversarial examples in each step."),
)
RETAINED_BATCH = Option("retained_batch", 128, 1, 4096, "Retained pictures in each step.")
IMPORTANCE = Option("importance_strength", 1.0, 0.0, 1e6, "How strongly unimportant weights are held.")
IMPORTANCE_PER_PICTURE = Option(
    "importance_per_picture", 0, 0, 1, "1: importance is measured picture by picture, not batch by batch."
)
