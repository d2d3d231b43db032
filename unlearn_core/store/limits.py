"""What visitors of a shared server may keep, and what they left behind: a closed browser never comes back."""

import shutil
import time
from datetime import UTC

from unlearn_core.catalog.custom.classifier_record import brought_classifiers, brought_folder
from unlearn_core.catalog.entries import PHOTOS_PREFIX
from unlearn_core.catalog.sources.image_set_record import added_folder, added_image_sets
from unlearn_core.catalog.sources.uploaded_photos import upload_folder
from unlearn_core.errors import UserError
from unlearn_core.store.runs import UNDER_WAY, Store

KEPT_DAYS = 30
MOST_RUNS, MOST_UNDER_WAY = 60, 6
"""Of one visitor: kept, and waiting or running (as many as one press starts)."""


def make_room(store: Store, visitor: str, count: int = 1) -> None:
    """Clean up, for further runs of a visitor ("": one person alone, who may have any number).

    Raises:
        UserError: so many would still be too many.
    """
    if not visitor:
        return
    clean_up(store)
    runs = store.runs(visitor)
    if sum(run.state in UNDER_WAY for run in runs) + count > MOST_UNDER_WAY:
        raise UserError(
            f"This server runs {MOST_UNDER_WAY} of a visitor's at most: wait for one, or cancel it."
        )
    if len(runs) + count > MOST_RUNS:
        raise UserError(f"This server keeps {MOST_RUNS} runs of a visitor's: delete some on the page Runs.")


def clean_up(store: Store) -> list[str]:
    """Remove visitors' runs that ended `KEPT_DAYS` ago, and what they brought then and no run needs.

    Returns:
        The ids of the runs and the names of what was brought.
    """
    ended = {run.id: run.finished.replace(tzinfo=UTC) for run in store.runs() if run.visitor and run.finished}
    old = [run_id for run_id, finished in ended.items() if _is_long_ago(finished.timestamp())]
    for run_id in old:
        store.delete(run_id)
    return [*old, *_remove_unneeded(store)]


def _remove_unneeded(store: Store) -> list[str]:
    needed = set()
    for run in store.runs():
        request = run.parsed_request()
        needed |= {request.classifier, request.images, request.measure_on}
    root = store.root
    brought = {one.name: brought_folder(root, one.name) for one in brought_classifiers(root) if one.visitor}
    brought |= {one.name: added_folder(root, one.name) for one in added_image_sets(root) if one.visitor}
    folders = (folder for folder in upload_folder(root).glob("*") if folder.is_dir())
    brought |= {f"{PHOTOS_PREFIX}{folder.name}": folder for folder in folders}
    gone = [
        name
        for name, folder in brought.items()
        if name not in needed and _is_long_ago(folder.stat().st_mtime)
    ]
    for name in gone:
        shutil.rmtree(brought[name], ignore_errors=True)
    return gone


def _is_long_ago(seconds: float) -> bool:
    return time.time() - seconds > KEPT_DAYS * 24 * 3600
