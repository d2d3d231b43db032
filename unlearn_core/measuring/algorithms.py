"""The attribution algorithms that can be picked, in words: this file imports nothing heavy."""

from dataclasses import dataclass

from unlearn_core.errors import UserError


@dataclass(frozen=True)
class Algorithm:
    """What a person sees of an attribution algorithm. `signed`: its maps tell for from against."""

    name: str
    title: str
    reading: str
    signed: bool


ALGORITHMS = (
    Algorithm(
        "integrated-gradients",
        "Integrated gradients",
        "How much each pixel adds to the class's score (orange) or takes from it (blue), "
        "compared with an empty picture.",
        signed=True,
    ),
    Algorithm(
        "saliency",
        "Saliency",
        "How strongly the class's score would react to a tiny change of each pixel, in either direction.",
        signed=False,
    ),
    Algorithm(
        "layer-gradcam",
        "Grad-CAM",
        "Which regions speak for the class in the last layer that still knows where things are.",
        signed=False,
    ),
    Algorithm(
        "occlusion",
        "Occlusion",
        "How much the class's score falls (orange) or rises (blue) when a patch is covered.",
        signed=True,
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
    ),
)

SWITCHED_OFF = (
    ("DeepLIFT", "knows no ReLU6, and fails where a network uses one ReLU twice."),
    ("Guided backpropagation", "knows no ReLU6, and shows edges whatever the classifier has learned."),
    ("LRP", "has no rule for residual connections with batch normalisation."),
)
"""Algorithms of Captum that would quietly give a wrong picture on the classifiers at hand, and why."""


def algorithm_entry(name: str) -> Algorithm:
    """Return the algorithm; an unknown name raises `UserError` that lists the known ones."""
    for entry in ALGORITHMS:
        if entry.name == name:
            return entry
    raise UserError(f"There is no algorithm {name}; there are {', '.join(e.name for e in ALGORITHMS)}.")
