"""The attribution algorithms that can be picked, in words: this file imports nothing heavy."""

from dataclasses import dataclass, replace
from typing import Any

from unlearn_core.catalog.entries import ClassifierEntry, classifier_entry
from unlearn_core.errors import UserError

BASELINES = {
    "empty": "black for digits, mid-grey for photos",
    "black": "black",
    "grey": "mid-grey",
    "white": "white",
}
PATCHES, NOISES = (4, 7, 14), (0.05, 0.1, 0.2)


@dataclass(frozen=True)
class Settings:
    """What a person may set; each algorithm uses those that its `uses` names.

    `baseline`: one of `BASELINES`, the empty picture that others are compared with. `patches`: how many of
    those that are covered fit along a side, 2 to 28. `noise`: standard deviation of what is added to the
    pixels, above 0 and at most 0.5, of pixel values from 0 to 1. Anything else raises `UserError`.
    """

    baseline: str = "empty"
    patches: int = 7
    noise: float = 0.1

    def __post_init__(self) -> None:
        if self.baseline not in BASELINES:
            raise UserError(f"There is no baseline {self.baseline}; there are {', '.join(BASELINES)}.")
        if not 2 <= self.patches <= 28:
            raise UserError(f"2 to 28 patches go along a side, not {self.patches}.")
        if not 0 < self.noise <= 0.5:
            raise UserError(f"The noise is above 0 and at most 0.5, not {self.noise:g}.")

    def used_by(self, algorithm: str) -> list[Any]:
        """Return what an algorithm's maps depend on, as plain values."""
        return [[name, getattr(self, name)] for name in algorithm_entry(algorithm).uses]


DEFAULT_SETTINGS = Settings()


@dataclass(frozen=True)
class Algorithm:
    """What a person sees of an attribution algorithm.

    `signed`: its maps tell for from against. `needs_plain_relu`: it has rules of its own for ReLU, and is
    only right where every activation is a ReLU of which each is used once. `needs_grid`: it
    reads a layer whose outputs lie on a grid like the picture. `uses`: names of `Settings`.
    """

    name: str
    title: str
    reading: str
    signed: bool
    needs_plain_relu: bool = False
    needs_grid: bool = False
    uses: tuple[str, ...] = ()


CAM = "layer-gradcam"
ALGORITHMS = (
    Algorithm(
        "integrated-gradients",
        "Integrated gradients",
        "How much each pixel adds to the class's score (orange) or takes from it (blue), "
        "compared with an empty picture.",
        signed=True,
        uses=("baseline",),
    ),
    Algorithm(
        "saliency",
        "Saliency",
        "How strongly the class's score would react to a tiny change of each pixel, in either direction.",
        signed=False,
    ),
    Algorithm(
        CAM,
        "Grad-CAM",
        "Which regions speak for the class in the last layer that still knows where things are.",
        signed=False,
        needs_grid=True,
    ),
    Algorithm(
        "occlusion",
        "Occlusion",
        "How much the class's score falls (orange) or rises (blue) when a patch is covered.",
        signed=True,
        uses=("baseline", "patches"),
    ),
    Algorithm(
        "input-x-gradient",
        "Input × gradient",
        "The pixel's value times the score's reaction to it: what a straight line would credit it with.",
        signed=True,
    ),
    Algorithm(
        "smoothgrad",
        "SmoothGrad",
        "Saliency averaged over noisy copies of the picture, which leaves out accidental reactions.",
        signed=False,
        uses=("noise",),
    ),
    Algorithm(
        "gradient-shap",
        "GradientSHAP",
        "Like integrated gradients, but from noisy empty pictures at random points on the way.",
        signed=True,
        uses=("baseline", "noise"),
    ),
    Algorithm(
        "feature-ablation",
        "Feature ablation",
        "How much the class's score falls (orange) or rises (blue) when one tile of a grid is emptied.",
        signed=True,
        uses=("baseline", "patches"),
    ),
    Algorithm(
        "deeplift",
        "DeepLIFT",
        "What each pixel's difference from an empty picture adds to the score, passed back layer by layer.",
        signed=True,
        needs_plain_relu=True,
        uses=("baseline",),
    ),
    Algorithm(
        "guided-backprop",
        "Guided backpropagation",
        "The gradient along paths that speak for the class alone. It shows edges whatever was learned.",
        signed=True,
        needs_plain_relu=True,
    ),
)

NEVER_OFFERED = (("LRP", "has no rule for residual connections with batch normalisation."),)
"""Algorithms of Captum that would quietly give a wrong picture on every classifier here, and why."""


def offered(classifier: str) -> tuple[Algorithm, ...]:
    """Return the algorithms that are valid on a classifier of the catalog, Grad-CAM once a layer."""
    known = classifier_entry(classifier)
    others = tuple(algorithm_entry(f"{CAM}:{layer}") for layer in known.cam_layers[1:])
    return (*(entry for entry in ALGORITHMS if _why_not(entry, known) is None), *others)


def _why_not(entry: Algorithm, classifier: ClassifierEntry) -> str | None:
    """Return why an algorithm is not right on a classifier, or None where it is."""
    if entry.needs_plain_relu and not classifier.plain_relu:
        return "is only right where every activation is a ReLU used once; this classifier has others."
    if entry.needs_grid and not classifier.cam_layers:
        return "needs a layer whose outputs lie on a grid like the picture; this classifier has none."
    return None


def switched_off(classifier: str) -> tuple[tuple[str, str], ...]:
    """Return title and reason of each algorithm that would quietly give a wrong picture on a classifier."""
    why = ((entry.title, _why_not(entry, classifier_entry(classifier))) for entry in ALGORITHMS)
    return (*((title, reason) for title, reason in why if reason is not None), *NEVER_OFFERED)


def algorithm_entry(name: str) -> Algorithm:
    """Return the algorithm; an unknown name raises `UserError` that lists the known ones.

    `layer-gradcam:LAYER` is Grad-CAM at another layer than the usual one.
    """
    plain, _, layer = name.partition(":")
    for entry in ALGORITHMS:
        if entry.name == name:
            return entry
        if entry.name == plain == CAM and layer:
            return replace(entry, name=name, title=f"Grad-CAM at {layer.removeprefix('network.')}")
    raise UserError(f"There is no algorithm {name}; there are {', '.join(e.name for e in ALGORITHMS)}.")
