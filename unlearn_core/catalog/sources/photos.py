"""The image set `photos`: those of scikit-image, then uploads."""

import hashlib
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from unlearn_core.catalog.sources.base import CatalogImageSet, ImageSetEntry, ImageSource, PictureFile
from unlearn_core.catalog.sources.uploaded_photos import upload_folder, uploads
from unlearn_core.common.home import home
from unlearn_core.errors import UserError

# The order must not change: the position is the photo's id. All are in the wheel: nothing is downloaded.
SHIPPED = (
    "chelsea.png",
    "coffee.png",
    "rocket.jpg",
    "astronaut.png",
    "motorcycle_left.png",
    "motorcycle_right.png",
    "camera.png",
    "clock_motion.png",
    "coins.png",
    "page.png",
    "hubble_deep_field.jpg",
    "moon.png",
    "retina.jpg",
    "brick.png",
    "grass.png",
    "gravel.png",
)
FIRST_UPLOAD = 1000
"""The first id of uploads, so that further shipped photos do not change them."""


class Photos(CatalogImageSet):
    """The shipped photos, and the uploads of everybody or of one visitor."""

    entry = ImageSetEntry(
        name="photos",
        title="Photos, and your own",
        summary="The photos that ship with scikit-image and any you upload or take.",
        fits=("imagenet-efficientnet-lite0",),
        licence="see the README",
        source="package scikit-image",
        megabytes=4.6,
    )

    def __init__(self, visitor: str = "") -> None:
        self._visitor = visitor

    def read(self) -> ImageSource:
        """Return the shipped photos and the uploads, all unlabelled."""
        shipped = _shipped_folder()
        files = [PictureFile(name, (shipped / name).read_bytes) for name in SHIPPED]
        ids = list(range(len(SHIPPED)))
        for number, path in self._uploads():
            ids.append(FIRST_UPLOAD + number)
            files.append(PictureFile(path.name, path.read_bytes))
        n = len(ids)
        return ImageSource(files, np.array(ids, np.int64), np.zeros(n, bool), np.full(n, -1), ())

    def fingerprint(self) -> str:
        """Return a digest that changes when a photo is uploaded or removed."""
        names = [path.name for _, path in self._uploads()]
        return hashlib.sha256("\n".join([*SHIPPED, *names]).encode()).hexdigest()

    def _uploads(self) -> list[tuple[int, Path]]:
        return uploads(upload_folder(home(), self._visitor))


def _shipped_folder() -> Path:
    spec = find_spec("skimage")
    if spec is None or spec.origin is None:
        raise UserError("The package scikit-image, which contains the photos, is not installed.")
    return Path(spec.origin).parent / "data"
