"""An image set on a plane, as its classifier sees it before its last layer."""

import hashlib
import os
from pathlib import Path

import numpy as np

from unlearn_core.catalog.classifiers import load_classifier
from unlearn_core.catalog.image_sets import fingerprint, load_images
from unlearn_core.measuring.features import Plane, features
from unlearn_core.measuring.looking import frozen

VERSION = 1


def write_image_map(root: Path, classifier: str, images: str) -> Path:
    """Return the path of `ids` int64 (n,) and `places` float32 (n, 2), made now unless they are there.

    Raises `UserError` where the classifier or the image set cannot be loaded.
    """
    key = hashlib.sha256(f"{VERSION}\n{classifier}\n{images}\n{fingerprint(images)}".encode()).hexdigest()
    path = root / "maps" / f"{key[:24]}.npz"
    if path.exists():
        return path
    loaded = load_classifier(classifier)
    pictures = load_images(images, loaded)
    seen = features(frozen(loaded.module), pictures.pixels)
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(f".{os.getpid()}.npz")
    np.savez(half, ids=pictures.ids, places=Plane(seen).place(seen))
    half.replace(path)
    return path
