"""What the looking lane is asked where a classifier, an image set or a picture is tried and added.

Requests as in `looks.py`: plain and hashable; `answer` imports torch inside.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from unlearn_core.catalog.records.classifier_record import ClassifierSpecification, CustomClassifier
from unlearn_core.catalog.records.image_set_record import AddedImageSet


@dataclass(frozen=True)
class ArchitecturesRequest:
    """The networks that torchvision and timm can build."""

    def answer(self, root: Path) -> dict[str, list[str]]:
        """Return their names by library."""
        from unlearn_core.catalog.custom.build_network import timm_names, torchvision_names

        return {"torchvision": torchvision_names(), "timm": timm_names()}


@dataclass(frozen=True)
class TryClassifierRequest:
    """What a custom classifier predicts for a few pictures. `number` tells apart two tries of the same."""

    specification: ClassifierSpecification
    images: str
    number: int

    def answer(self, root: Path) -> Path:
        """Return the path of the preview; nothing enters the catalog."""
        from unlearn_core.measuring.classifier_preview import write_preview

        return write_preview(root, self.specification, self.images, self.number)


@dataclass(frozen=True)
class AddClassifierRequest:
    """Take a custom classifier into the catalog; `tried` is its record from a preview."""

    specification: ClassifierSpecification
    visitor: str = ""
    tried: CustomClassifier | None = None

    def answer(self, root: Path) -> str:
        """Return its name there."""
        from unlearn_core.measuring.examine_classifier import add_examined
        from unlearn_core.store.limits import check_disk

        check_disk(root, self.visitor)
        return add_examined(root, self.specification, self.visitor, self.tried).name


@dataclass(frozen=True)
class AddImageSetRequest:
    """Take an image set into the catalog, from a source or from an uploaded archive."""

    name: str
    source: str
    uploaded: Path | None = None
    visitor: str = ""
    window: tuple[float, float] | None = None

    def answer(self, root: Path) -> AddedImageSet:
        """Return its record there."""
        from unlearn_core.catalog.sources.add_image_set import add_image_set
        from unlearn_core.store.limits import check_disk

        check_disk(root, self.visitor)
        return add_image_set(root, self.name, self.source, self.uploaded, self.visitor, self.window)


@dataclass(frozen=True)
class AddUploadRequest:
    """Keep an uploaded picture in the image set `photos`, on a shared server in the visitor's own."""

    name: str
    data: bytes
    visitor: str = ""

    def answer(self, root: Path) -> tuple[int, str]:
        """Return the picture's id, and how it was read where that needs saying.

        A file that is not a picture raises `UserError`.
        """
        from unlearn_core.catalog.sources.photos import FIRST_UPLOAD
        from unlearn_core.catalog.sources.uploaded_photos import add_upload, upload_folder
        from unlearn_core.store.limits import check_disk

        check_disk(root, self.visitor)
        number, said = add_upload(upload_folder(root, self.visitor), self.name, self.data)
        return FIRST_UPLOAD + number, said
