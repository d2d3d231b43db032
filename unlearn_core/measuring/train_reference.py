"""Trains classifiers without a part of the pictures, to know what is said of pictures never seen.

The training pictures are split at random into folds, and one classifier is trained without each; every repeat
has another split, so that each picture is never seen by as many classifiers as there are repeats. Feldman and
Zhang (arXiv 2008.03703, section 2) estimate memorisation from such classifiers.
"""

from collections.abc import Callable
from functools import partial
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from unlearn_core.artifacts.never_seen import NeverSeen
from unlearn_core.catalog.image_sets import ImageSet
from unlearn_core.catalog.shipped.training import Recipe, Training
from unlearn_core.common.batches import in_batches
from unlearn_core.common.files import make_once
from unlearn_core.errors import UserError
from unlearn_core.measuring.predict import to_pixels

TrainOne = Callable[[NDArray[np.uint8], NDArray[np.int64], int], nn.Module]
"""Trains a new classifier from pictures (n, h, w, c), labels (n,) and a seed."""

BATCH = 256


def by_recipe(recipe: Recipe) -> TrainOne:
    """Return the training function of a shipped classifier's recipe."""

    def train(pictures: NDArray[np.uint8], labels: NDArray[np.int64], seed: int) -> nn.Module:
        pixels = torch.from_numpy(pictures).permute(0, 3, 1, 2).contiguous()
        training = Training(recipe, pixels, torch.from_numpy(labels), seed)
        for _ in range(recipe.epochs):
            training.epoch()
        return training.network

    return train


def train_reference(
    images: ImageSet,
    train: TrainOne,
    folder: Path,
    *,
    folds: int = 10,
    repeats: int = 4,
    done: Callable[[int], None] = lambda count: None,
) -> NeverSeen:
    """Train `folds` · `repeats` classifiers and return their logits of the pictures they had not seen.

    Args:
        images: its labelled training pictures are used.
        train: trains one classifier; called with seeds 1, 2, …
        folder: each classifier's logits are stored here, and not computed again the next time.
        folds: parts of the pictures; each classifier is trained without one.
        repeats: number of random splits, and so of classifiers per picture.
        done: called with the number of finished classifiers.

    Raises:
        UserError: fewer than two folds, no repeat, or fewer pictures than folds.
    """
    used = np.flatnonzero(~images.is_test & images.labelled)
    if folds < 2 or repeats < 1 or len(used) < folds:
        raise UserError("A reference needs at least 2 folds, 1 repeat and as many pictures as folds.")
    labels = images.labels[used]
    folder = folder / _digest(images, used, folds)
    folder.mkdir(parents=True, exist_ok=True)
    logits: list[NDArray[np.float16]] = []
    for repeat in range(repeats):
        fold_of = np.random.default_rng(repeat).permutation(len(used)) % folds
        rows: dict[int, NDArray[np.float16]] = {}
        for fold in range(folds):
            number = repeat * folds + fold
            done(number)

            seen, unseen = used[fold_of != fold], used[fold_of == fold]
            make = partial(_logits_without, images, train, seen, unseen, number + 1)
            rows[fold] = np.load(make_once(folder / f"{repeat}-{fold}.npy", make, np.save))
        whole = np.empty((len(used), rows[0].shape[1]), np.float16)
        for fold, found in rows.items():
            whole[fold_of == fold] = found
        logits.append(whole)
    done(folds * repeats)
    return NeverSeen(images.ids[used], labels, np.stack(logits))


def _logits_without(
    images: ImageSet, train: TrainOne, seen: NDArray[np.intp], unseen: NDArray[np.intp], seed: int
) -> NDArray[np.float16]:
    """Train a classifier on the pictures at `seen` and return its logits of those at `unseen`."""
    network = train(images.pixels[seen], images.labels[seen], seed)
    pixels = to_pixels(images.pixels[unseen], torch.device("cpu"))
    with torch.inference_mode():
        parts = list(in_batches(lambda part: network(pixels[part]), len(pixels), BATCH))
    return torch.cat(parts).half().numpy()


def _digest(images: ImageSet, used: NDArray[np.intp], folds: int) -> str:
    """Return a short digest of the pictures, labels and folds: another one is another reference."""
    found = sha256(f"{images.pixels.shape[1:]} {folds}".encode())
    for rows in np.array_split(used, max(1, len(used) // 1024)):
        found.update(images.pixels[rows].tobytes())
        found.update(images.labels[rows].tobytes())
    return found.hexdigest()[:16]
