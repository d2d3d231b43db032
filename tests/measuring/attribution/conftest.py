"""A linear model, whose maps are known, and the classifier that ships with a few digits."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from unlearn_core.catalog.classifiers import Classifier, load_classifier
from unlearn_core.catalog.image_sets import load_images
from unlearn_core.measuring.attribution import registry
from unlearn_core.measuring.predict import to_pixels

SIDE = 14


@pytest.fixture
def linear() -> tuple[Classifier, Tensor, Tensor, NDArray[np.float32]]:
    """Return a linear classifier, pictures, targets and the weights that answer for each target."""
    torch.manual_seed(0)
    layer = nn.Linear(SIDE * SIDE, 3)
    module = nn.Sequential(nn.Flatten(), layer).eval().requires_grad_(False)
    classifier = Classifier("linear", module, ("a", "b", "c"), (), 1, SIDE, ())
    targets = torch.tensor([0, 2, 1, 0])
    weights = layer.weight[targets].reshape(-1, SIDE, SIDE).numpy()
    return classifier, torch.rand(4, 1, SIDE, SIDE), targets, weights


@pytest.fixture(scope="module")
def digits() -> tuple[Classifier, Tensor, Tensor]:
    classifier = load_classifier("mnist-resnet")
    classifier.module.requires_grad_(False)
    images = load_images("mnist", classifier)
    chosen = np.arange(0, 5000, 700)
    return (
        classifier,
        to_pixels(images.pixels[chosen], torch.device("cpu")),
        torch.from_numpy(images.labels[chosen]),
    )


@pytest.fixture
def nothing_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget after the test what it registers."""
    monkeypatch.setattr(registry, "_registered", {})
