"""The command `train`: retrains a shipped classifier and reports its accuracy."""

import sys
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from tqdm import tqdm

from unlearn_core.artifacts.shipped_predictions import write_shipped_predictions
from unlearn_core.catalog.classifiers import WEIGHTS, Classifier, describe_classifier
from unlearn_core.catalog.image_sets import ImageSet, fingerprint, load_images
from unlearn_core.catalog.shipped.training import Training, recipe_of
from unlearn_core.common.tensor_files import writing_tensors
from unlearn_core.errors import UserError
from unlearn_core.measuring.predict import predict


def train_shipped(name: str, images_name: str, seed: int, out: Path | None = None) -> str:
    """Train the named classifier on an image set's training pictures and write its weights.

    Args:
        name: of a classifier with a recipe; any other raises `UserError`.
        images_name: of the image set.
        seed: of all random numbers.
        out: the safetensors file; by default the shipped one is overwritten, and the shipped predictions.

    Returns:
        One line with the accuracy on training and test pictures.
    """
    recipe = recipe_of(name)
    classifier: Classifier = describe_classifier(name, recipe.build())
    images = load_images(images_name, classifier)
    pixels = torch.from_numpy(images.pixels).permute(0, 3, 1, 2).contiguous()
    learn = torch.from_numpy(~images.is_test & images.labelled)
    labels = torch.from_numpy(images.labels)
    training = Training(recipe, pixels[learn], labels[learn], seed)
    with tqdm(total=recipe.epochs, unit="epoch", file=sys.stderr) as bar:
        for _ in range(recipe.epochs):
            bar.set_postfix_str(f"loss {training.epoch():.4f}")
            bar.update()
    classifier.module = training.network
    path = out or WEIGHTS / f"{name}.safetensors"
    weights = {key: tensor.contiguous() for key, tensor in classifier.module.state_dict().items()}
    try:
        with writing_tensors():
            save_file(weights, path)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}.") from error
    said = predict(classifier.module, images.pixels, images.labels, torch.device("cpu"))
    if out is None:
        write_shipped_predictions(name, images_name, fingerprint(images_name, name), said)
    return f"{name}: {accuracy_in_words(said.classes, images)} → {path}"


def accuracy_in_words(classes: NDArray[np.int64], images: ImageSet) -> str:
    """Return the shares of labelled training and test pictures that have the predicted classes, in words."""
    right = classes == images.labels
    found = []
    for title, group in (("training", ~images.is_test), ("test", images.is_test)):
        known = group & images.labelled
        if known.any():
            found.append(f"{100 * right[known].mean():.2f}% of the {title} pictures")
    return ", ".join(found)
