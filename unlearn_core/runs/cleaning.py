"""What visitors of a shared server left behind: a browser that was closed never comes back for it."""

import shutil
import time
from pathlib import Path

from unlearn_core.catalog.brought.records import brought_classifiers, brought_folder
from unlearn_core.catalog.entries import PHOTOS_PREFIX
from unlearn_core.catalog.sources.added import added_folder, added_image_sets
from unlearn_core.catalog.sources.uploads import upload_folder
from unlearn_core.runs.store import Store

KEPT_DAYS = 30


def clean_up(store: Store) -> list[str]:
    """Remove what visitors brought `KEPT_DAYS` ago or earlier and no run needs; return its names."""
    needed = set()
    for run in store.runs():
        request = run.parsed_request()
        needed |= {request.classifier, request.images, request.measure_on}
    root = store.root
    brought = {one.name: brought_folder(root, one.name) for one in brought_classifiers(root) if one.visitor}
    brought |= {one.name: added_folder(root, one.name) for one in added_image_sets(root) if one.visitor}
    folders = (folder for folder in upload_folder(root).glob("*") if folder.is_dir())
    brought |= {f"{PHOTOS_PREFIX}{folder.name}": folder for folder in folders}
    gone = [name for name, folder in brought.items() if name not in needed and _is_old(folder)]
    for name in gone:
        shutil.rmtree(brought[name], ignore_errors=True)
    return gone


def _is_old(folder: Path) -> bool:
    return time.time() - folder.stat().st_mtime > KEPT_DAYS * 24 * 3600
