"""The image set `photos`: those of scikit-image, those shipped here, then uploads."""

import hashlib
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from unlearn_core.catalog.sources.base import CatalogImageSet, ImageSetEntry, ImageSource, PictureFile
from unlearn_core.catalog.sources.uploaded_photos import upload_folder, uploads
from unlearn_core.common.home import home
from unlearn_core.errors import UserError

# The order of both must not change: the position is the photo's id. Nothing is downloaded.
_OF_SCIKIT_IMAGE = (
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
_OWN = (
    "german_shepherd.jpg",
    "giant_panda.jpg",
    "gibbon.jpg",
    "chameleon.jpg",
    "koala.jpg",
    "kangaroo.jpg",
    "bison.jpg",
    "red_panda.jpg",
    "lemur.jpg",
    "hedgehog.jpg",
    "jaguar.jpg",
    "sheep.jpg",
    "hens.jpg",
    "macaw.jpg",
    "komodo_dragon.jpg",
    "crocodile.jpg",
    "crab.jpg",
    "goldfish.jpg",
    "puffer.jpg",
    "clownfish.jpg",
    "baseball.jpg",
    "volleyball.jpg",
    "frying_pan.jpg",
    "scale.jpg",
    "screwdriver.jpg",
    "screwdriver_flat.jpg",
    "hammer.jpg",
    "sledgehammer.jpg",
    "measuring_tape.jpg",
    "dam.jpg",
    "barrage.jpg",
    "solar_panel.jpg",
    "winter_palace.jpg",
    "carcassonne.jpg",
    "neuschwanstein.jpg",
    "triumphal_arch.jpg",
    "india_gate.jpg",
    "pont_du_gard.jpg",
    "schwerin_palace.jpg",
    "chambord.jpg",
)
"""In `shipped/photos`; docs/licences.md names authors and licences."""
SHIPPED = _OF_SCIKIT_IMAGE + _OWN
_FOLDER = Path(__file__).parents[1] / "shipped" / "photos"
FIRST_UPLOAD = 1000
"""The first id of uploads, so that further shipped photos do not change them."""


class Photos(CatalogImageSet):
    """The shipped photos, and the uploads of everybody or of one visitor."""

    entry = ImageSetEntry(
        name="photos",
        title="Photos, and your own",
        summary="Photos of animals, things and buildings, and any you upload or take.",
        fits=("imagenet-efficientnet-lite0",),
        licence="see docs/licences.md",
        source="package scikit-image, and this one",
        megabytes=5.5,
    )

    def __init__(self, visitor: str = "") -> None:
        self._visitor = visitor

    def read(self) -> ImageSource:
        """Return the shipped photos and the uploads, all unlabelled."""
        folders = {_scikit_image(): _OF_SCIKIT_IMAGE, _FOLDER: _OWN}
        files = [
            PictureFile(name, (folder / name).read_bytes)
            for folder, names in folders.items()
            for name in names
        ]
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


def _scikit_image() -> Path:
    spec = find_spec("skimage")
    if spec is None or spec.origin is None:
        raise UserError("The package scikit-image, which contains the photos, is not installed.")
    return Path(spec.origin).parent / "data"
