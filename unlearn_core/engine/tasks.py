"""What workers do. Arguments and results are plain; torch is imported inside, so this file stays light."""

from collections.abc import Sequence
from pathlib import Path


def warm() -> None:
    """Import what every other task needs, so that the first click finds it loaded."""
    import unlearn_core.engine.job
    import unlearn_core.measuring.image_table  # noqa: F401


def forget(root: str, run_id: str) -> None:
    """Carry out a queued run of the store at `root`."""
    from unlearn_core.engine.job import run_forget
    from unlearn_core.runs.store import Store

    run_forget(Store(Path(root)), run_id)


def image_table(root: str, classifier: str, images: str) -> str:
    """Return the path of the table of an image set as a classifier sees it."""
    from unlearn_core.measuring.image_table import write_image_table

    return str(write_image_table(Path(root), classifier, images))


def add_upload(root: str, name: str, data: bytes) -> int:
    """Keep an uploaded picture and return its id in the image set `photos`."""
    from unlearn_core.catalog.photos import FIRST_UPLOAD
    from unlearn_core.catalog.uploads import add_upload as keep

    return FIRST_UPLOAD + keep(Path(root), name, data)


def attributions(root: str, run_id: str, ids: Sequence[int], algorithm: str, target: str) -> str:
    """Return the path of the attributions of pictures before and after a run."""
    from unlearn_core.measuring.attributions import write_attributions

    return str(write_attributions(Path(root), run_id, ids, algorithm, target))
