"""Folders of small pictures, and what a source finds in them."""

from pathlib import Path

from PIL import Image

from tests.catalog.hostile import encoded
from unlearn_core.catalog.sources.base import ImageSource

SMALL = encoded(Image.new("RGB", (8, 8), "red"))


def folder(root: Path, *names: str, **texts: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(SMALL)
    for name, text in texts.items():
        (root / name).write_text(text, encoding="utf-8")
    return root


def found(source: ImageSource) -> dict[str, tuple[str, bool]]:
    """Return class, "" for none, and whether it is a test picture, by file."""
    names = (*source.class_names, "")
    rows = zip(source.names, source.classes, source.is_test, strict=True)
    return {name: (names[one], bool(is_test)) for name, one, is_test in rows}
