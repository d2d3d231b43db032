"""The forgetting methods that can be picked, without importing torch.

A method is one small file in `methods/` and one entry in `METHODS`. The entry says what a person picks and
tunes; the file says what to prepare and what the loss is.
"""

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Literal

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
        in_range = self.low <= value <= self.high
        if not in_range or type(self.default)(value) != value:
            kind = "a whole number" if isinstance(self.default, int) else "a number"
            raise UserError(f"Option {self.name} must be {kind} from {self.low} to {self.high}, not {value}.")
        return type(self.default)(value)


@dataclass(frozen=True)
class MethodEntry:
    """What a person sees of a method: `target` is `module:class`, imported only in a worker."""

    name: str
    title: str
    summary: str
    paper: str
    target: str
    options: tuple[Option, ...]
    retained_data: Literal["none", "optional", "needed"] = "none"

    def load(self) -> "type[Method]":
        """Import and return the method's class."""
        module, _, name = self.target.partition(":")
        return getattr(import_module(module), name)

    def check_retained(self, count: int) -> None:
        """Raise `UserError` where the method cannot work with this many retained pictures."""
        if self.retained_data == "needed" and not count:
            raise UserError(
                f"Method {self.name} learns from retained pictures: say how many it may use (retained)."
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


_PAPER = "arXiv 2301.11578"
_STEP_SIZE = Option("learning_rate", 1e-3, 1e-6, 1.0, "Size of the optimiser's steps.")
_FORGET_BATCH = Option("forget_batch", 32, 1, 512, "Pictures to forget in each step.")
_ATTACK = (
    Option("radius", 4.0, 0.01, 100.0, "How far adversarial examples may go (L2, pixel values 0 to 1)."),
    Option("examples", 20, 1, 1000, "Adversarial examples for each picture to forget."),
    Option("attack_iterations", 100, 1, 1000, "Steps of the attack."),
    Option("attack_step", 0.1, 1e-4, 100.0, "Size of the attack's steps."),
    Option("adversarial_batch", 256, 1, 4096, "Adversarial examples in each step."),
)
_IMPORTANCE = Option("importance_strength", 1.0, 0.0, 1e6, "How strongly unimportant weights are held.")

METHODS = (
    MethodEntry(
        name="anchor",
        title="Anchor",
        summary="Forgets each picture just enough and holds the classifier in place around it.",
        paper="this project, after arXiv 2301.11578",
        target="unlearn_core.forgetting.methods.anchor:Anchor",
        options=(
            Option("learning_rate", 0.0, 0.0, 1.0, "Size of the optimiser's steps; 0 chooses."),
            Option("margin", 1.0, 0.0, 100.0, "How far another class must lead, in logits."),
            Option("retention", 0.5, 0.0, 1e6, "Weight of keeping the rest, at the start."),
            Option("radius", 4.0, 0.01, 100.0, "How far anchors may go (L2, pixel values 0 to 1)."),
            Option("examples", 0, 0, 100_000, "Adversarial examples in all; 0 chooses by picture size."),
            Option("attack_iterations", 5, 1, 1000, "Steps of the attack."),
            Option("inversions", -1, -1, 100_000, "Pictures inverted from BatchNorm statistics; -1 chooses."),
            Option("inversion_iterations", 20, 1, 1000, "Steps of the inversion."),
            Option("anchor_batch", 0, 0, 4096, "Anchors in each step; 0 chooses by picture size."),
            Option("forget_batch", 256, 1, 4096, "Pictures to forget in each step."),
            Option(
                "importance_strength", 0.0, 0.0, 1e6, "How strongly unimportant weights are held; 0: not."
            ),
        ),
    ),
    MethodEntry(
        name="adv+imp",
        title="ADV + IMP",
        summary="The paper's full method: adversarial examples and weight importance.",
        paper=f"{_PAPER}, section 3.3",
        target="unlearn_core.forgetting.methods.adv_imp:AdvImp",
        options=(_STEP_SIZE, *_ATTACK, _FORGET_BATCH, _IMPORTANCE),
    ),
    MethodEntry(
        name="adv",
        title="ADV",
        summary="The paper's method with adversarial examples alone.",
        paper=f"{_PAPER}, section 3.2",
        target="unlearn_core.forgetting.methods.adv:Adv",
        options=(_STEP_SIZE, *_ATTACK, _FORGET_BATCH),
    ),
    MethodEntry(
        name="neggrad",
        title="NegGrad",
        summary="Only pushes the pictures away, with nothing that keeps the rest: the baseline.",
        paper=f"{_PAPER}, section 4.1",
        target="unlearn_core.forgetting.methods.neggrad:NegGrad",
        options=(_STEP_SIZE, _FORGET_BATCH),
    ),
)


def method_entry(name: str) -> MethodEntry:
    """Return the method's entry; an unknown name raises `UserError` that lists the known ones."""
    for entry in METHODS:
        if entry.name == name:
            return entry
    raise UserError(f"There is no method {name}; there are {', '.join(e.name for e in METHODS)}.")
