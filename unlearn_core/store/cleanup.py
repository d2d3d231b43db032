"""Removes added classifiers and image sets on request, and what visitors of a shared server left behind."""

import shutil
import time
from contextlib import suppress
from pathlib import Path

from unlearn_core.catalog.entries import CLASSIFIERS
from unlearn_core.catalog.records.classifier_record import (
    custom_classifier,
    custom_classifier_folder,
    custom_classifiers,
    delete_custom_classifier,
)
from unlearn_core.catalog.records.image_set_record import (
    added_folder,
    added_image_set,
    added_image_sets,
    delete_added,
)
from unlearn_core.catalog.sources.registry import PHOTOS_PREFIX, image_sets
from unlearn_core.catalog.sources.uploaded_photos import upload_folder
from unlearn_core.common.quotas import DAYS
from unlearn_core.common.sharing import is_shared
from unlearn_core.errors import UserError
from unlearn_core.store.rows import RunState
from unlearn_core.store.runs import Store


def remove_added(store: Store, name: str, visitor: str = "") -> None:
    """Remove an added classifier or image set.

    Raises `UserError` for an unknown name, for what ships, and for a name that a run uses.
    """
    added = added_image_set(store.root, name) is not None
    if not added and custom_classifier(store.root, name) is None:
        if name in {*(entry.name for entry in CLASSIFIERS), *(entry.name for entry in image_sets())}:
            raise UserError(f"{name} comes with the program or a package: it cannot be removed.")
        raise UserError(f"There is no custom classifier or added image set {name}.")
    for run in store.runs():
        if run.state == RunState.DAMAGED:
            continue
        request = run.parsed_request()
        if name in (request.classifier, request.images, request.measure_on):
            # An id is also a link, so other visitors' ids are not shown.
            if is_shared() and run.visitor != visitor:
                raise UserError(f"A run of another visitor uses {name}.")
            raise UserError(f"Run {run.id} ({run.name}) uses {name}: delete the run first.")
    if added:
        delete_added(store.root, name)
    else:
        delete_custom_classifier(store.root, name)


def clean_up(store: Store) -> list[str]:
    """Remove visitors' runs that ended long ago (`quotas.DAYS`), and what they added then and no run uses.

    Returns:
        The ids of the runs, and the names of the classifiers and image sets.
    """
    ended = {run.id: run.finished for run in store.runs() if run.visitor and run.finished}
    old = [run_id for run_id, finished in ended.items() if _is_long_ago(finished.timestamp())]
    for run_id in old:
        # Another request may clean up at the same time.
        with suppress(UserError):
            store.delete(run_id)
    return [*old, *_remove_unneeded(store)]


def _remove_unneeded(store: Store) -> list[str]:
    needed = set()
    for run in store.runs():
        if run.state == RunState.DAMAGED:
            continue
        request = run.parsed_request()
        needed |= {request.classifier, request.images, request.measure_on}
    root = store.root
    added = {
        one.name: custom_classifier_folder(root, one.name) for one in custom_classifiers(root) if one.visitor
    }
    added |= {one.name: added_folder(root, one.name) for one in added_image_sets(root) if one.visitor}
    folders = (folder for folder in upload_folder(root).glob("*") if folder.is_dir())
    added |= {f"{PHOTOS_PREFIX}{folder.name}": folder for folder in folders}
    gone = [name for name, folder in added.items() if name not in needed and _is_old(folder)]
    for name in gone:
        shutil.rmtree(added[name], ignore_errors=True)
    return gone


def _is_old(folder: Path) -> bool:
    try:
        return _is_long_ago(folder.stat().st_mtime)
    except FileNotFoundError:
        return False


def _is_long_ago(seconds: float) -> bool:
    return time.time() - seconds > DAYS.value * 24 * 3600
