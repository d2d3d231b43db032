"""The forgetting methods that can be picked, without importing torch.

A method is one small file in `methods/` and one entry in `METHODS`. The entry says what a person picks and
tunes; the file says what to prepare and what the loss is.
"""

from dataclasses import dataclass, replace
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
_METHODS = "unlearn_core.forgetting.methods"
_STEP_SIZE = Option("learning_rate", 1e-3, 1e-6, 1.0, "Size of the optimiser's steps.")
_FORGET_BATCH = Option("forget_batch", 32, 1, 512, "Pictures to forget in each step.")
_ATTACK = (
    Option("radius", 4.0, 0.01, 100.0, "How far adversarial examples may go (L2, pixel values 0 to 1)."),
    Option("examples", 20, 1, 1000, "Adversarial examples for each picture to forget."),
    Option("attack_iterations", 100, 1, 1000, "Steps of the attack."),
    Option("attack_step", 0.1, 1e-4, 100.0, "Size of the attack's steps."),
    Option("attack_batch", 256, 1, 4096, "Adversarial examples attacked at once."),
    Option("stop_at_target", 0, 0, 1, "1: the attack leaves a picture once it is seen as its target."),
    Option("adversarial_batch", 256, 1, 4096, "Adversarial examples in each step."),
)
_RETAINED_BATCH = Option("retained_batch", 128, 1, 4096, "Retained pictures in each step.")
_IMPORTANCE = Option("importance_strength", 1.0, 0.0, 1e6, "How strongly unimportant weights are held.")

METHODS = (
    MethodEntry(
        name="anchor",
        title="Anchor",
        summary="Forgets each picture just enough and holds the classifier in place around it.",
        paper="this project, after arXiv 2301.11578",
        target=f"{_METHODS}.anchor:Anchor",
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
            Option("sparing", -1.0, -1.0, 1.0, "How much steps spare what matters to anchors; -1 chooses."),
            Option(
                "settling", -1.0, -1.0, 10.0, "Steps after all is forgotten, per step before; -1 chooses."
            ),
            Option(
                "importance_strength", 0.0, 0.0, 1e6, "How strongly unimportant weights are held; 0: not."
            ),
            Option("bfloat16", -1, -1, 1, "Calculate in bfloat16: 1 yes, 0 no; -1 where it is faster."),
        ),
    ),
    MethodEntry(
        name="adv+imp",
        title="ADV + IMP",
        summary="The paper's full method: adversarial examples and weight importance.",
        paper=f"{_PAPER}, section 3.3",
        target=f"{_METHODS}.adv_imp:AdvImp",
        options=(_STEP_SIZE, *_ATTACK, _FORGET_BATCH, _IMPORTANCE),
    ),
    MethodEntry(
        name="adv",
        title="ADV",
        summary="The paper's method with adversarial examples alone.",
        paper=f"{_PAPER}, section 3.2",
        target=f"{_METHODS}.adv:Adv",
        options=(_STEP_SIZE, *_ATTACK, _FORGET_BATCH),
    ),
    MethodEntry(
        name="neggrad",
        title="NegGrad",
        summary="Only pushes the pictures away, with nothing that keeps the rest: the baseline.",
        paper=f"{_PAPER}, section 4.1",
        target=f"{_METHODS}.neggrad:NegGrad",
        options=(_STEP_SIZE, _FORGET_BATCH),
    ),
    MethodEntry(
        name="npo",
        title="NPO",
        summary="Gradient ascent with a floor; may learn from retained pictures too.",
        paper="arXiv 2404.05868",
        target=f"{_METHODS}.npo:Npo",
        options=(
            _STEP_SIZE,
            Option("beta", 0.5, 1e-3, 100.0, "How soon the ascent levels off."),
            _FORGET_BATCH,
            _RETAINED_BATCH,
        ),
        retained_data="optional",
    ),
    MethodEntry(
        name="random-labels",
        title="Random labels",
        summary="Learns a wrong label for each picture; may learn from retained pictures too.",
        paper="arXiv 2010.10981",
        target=f"{_METHODS}.random_labels:RandomLabels",
        options=(_STEP_SIZE, _FORGET_BATCH, _RETAINED_BATCH),
        retained_data="optional",
    ),
    MethodEntry(
        name="boundary-shrink",
        title="Boundary shrink",
        summary="Gives each picture the label across the nearest decision boundary.",
        paper="arXiv 2303.11570",
        target=f"{_METHODS}.boundary_shrink:BoundaryShrink",
        options=(
            _STEP_SIZE,
            Option("step", 0.02, 1e-4, 1.0, "First step of the search for the boundary, in pixel values."),
            _FORGET_BATCH,
        ),
    ),
    MethodEntry(
        name="amun",
        title="AMUN",
        summary="Learns the nearest adversarial example of each picture under its wrong label.",
        paper="arXiv 2503.00917",
        target=f"{_METHODS}.amun:Amun",
        options=(
            _STEP_SIZE,
            Option("radius", 0.25, 0.001, 100.0, "Where the search begins (L2, pixel values 0 to 1)."),
            Option("attack_iterations", 20, 1, 1000, "Steps of the attack at each radius."),
            _FORGET_BATCH,
            _RETAINED_BATCH,
        ),
        retained_data="optional",
    ),
    MethodEntry(
        name="jit",
        title="JiT",
        summary="Makes the classifier flat around each picture.",
        paper="arXiv 2402.01401",
        target=f"{_METHODS}.jit:JiT",
        options=(
            replace(_STEP_SIZE, default=3e-4),
            Option("noise", 0.5, 1e-4, 10.0, "Spread of the noise, in pixel values."),
            Option("noisy_copies", 20, 1, 1000, "Noisy copies of each picture."),
            _FORGET_BATCH,
        ),
    ),
    MethodEntry(
        name="mu-mis",
        title="MU-Mis",
        summary="Takes back how strongly each picture shapes its own output.",
        paper="arXiv 2402.15109",
        target=f"{_METHODS}.mu_mis:MuMis",
        options=(replace(_STEP_SIZE, default=1e-4), _FORGET_BATCH),
    ),
    MethodEntry(
        name="fine-tune",
        title="Fine-tune",
        summary="Only goes on learning from retained pictures.",
        paper="arXiv 1911.04933",
        target=f"{_METHODS}.fine_tune:FineTune",
        options=(replace(_STEP_SIZE, default=0.01), _RETAINED_BATCH),
        retained_data="needed",
    ),
    MethodEntry(
        name="scrub",
        title="SCRUB",
        summary="Moves away from the original on the pictures, stays with it on retained ones.",
        paper="arXiv 2302.09880",
        target=f"{_METHODS}.scrub:Scrub",
        options=(
            _STEP_SIZE,
            Option("distillation", 1.0, 0.0, 100.0, "Weight of staying with the original's outputs (α)."),
            Option("cross_entropy", 1.0, 0.0, 100.0, "Weight of the retained labels (γ)."),
            _FORGET_BATCH,
            _RETAINED_BATCH,
        ),
        retained_data="needed",
    ),
    MethodEntry(
        name="salun",
        title="SalUn",
        summary="Random labels, but only salient weights may move.",
        paper="arXiv 2310.12508",
        target=f"{_METHODS}.salun:SalUn",
        options=(
            _STEP_SIZE,
            Option("saliency", 0.5, 1e-4, 1.0, "Share of the weights that may move."),
            _FORGET_BATCH,
            _RETAINED_BATCH,
        ),
        retained_data="needed",
    ),
    MethodEntry(
        name="ssd",
        title="SSD",
        summary="Dampens the weights that matter far more to the pictures than to retained ones.",
        paper="arXiv 2308.07707",
        target=f"{_METHODS}.ssd:Ssd",
        options=(
            Option("threshold", 50.0, 1e-3, 1e6, "How much more a weight must matter, at the start (α)."),
            Option("dampening", 1.0, 0.0, 100.0, "How much of it is left, at most (λ)."),
            replace(_RETAINED_BATCH, default=512, help="Retained pictures that importance is measured on."),
        ),
        retained_data="needed",
    ),
    MethodEntry(
        name="retrain",
        title="Retrain",
        summary="Trains anew without the pictures: what unlearning is measured against.",
        paper="the recipe of the shipped weights",
        target=f"{_METHODS}.retrain:Retrain",
        options=(),
        retained_data="needed",
    ),
)


def method_entry(name: str) -> MethodEntry:
    """Return the method's entry; an unknown name raises `UserError` that lists the known ones."""
    for entry in METHODS:
        if entry.name == name:
            return entry
    raise UserError(f"There is no method {name}; there are {', '.join(e.name for e in METHODS)}.")
