"""Instance-wise unlearning of image classifiers: forget chosen pictures, keep the rest, measure the change.

    from unlearn_core import load_classifier, load_images, unlearn
    classifier = load_classifier("mnist-resnet")
    images = load_images("mnist", classifier)
    outcome = unlearn(classifier, images, pick="hardest:16")

The names are loaded on first use, so that importing the package does not import torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from unlearn_core.artifacts.results import Result
    from unlearn_core.catalog.classifiers import load_classifier
    from unlearn_core.catalog.image_sets import load_images
    from unlearn_core.errors import UserError
    from unlearn_core.jobs.unlearn import unlearn
    from unlearn_core.store.request import ForgetRequest

_HOMES = {
    "load_classifier": "unlearn_core.catalog.classifiers",
    "load_images": "unlearn_core.catalog.image_sets",
    "unlearn": "unlearn_core.jobs.unlearn",
    "ForgetRequest": "unlearn_core.store.request",
    "Result": "unlearn_core.artifacts.results",
    "UserError": "unlearn_core.errors",
}

__version__ = "0.2.0.dev0"

__all__ = ["ForgetRequest", "Result", "UserError", "load_classifier", "load_images", "unlearn"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
