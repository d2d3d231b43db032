"""Limits for the visitors of a shared server."""

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from unlearn_core.catalog.picks import Pick
from unlearn_core.catalog.records.classifier_record import custom_classifier_folder, custom_classifiers
from unlearn_core.catalog.records.image_set_record import added_folder, added_image_sets
from unlearn_core.catalog.sources.uploaded_photos import upload_folder
from unlearn_core.catalog.untrusted.uploads import uploads_of
from unlearn_core.common import quotas
from unlearn_core.errors import UserError
from unlearn_core.store.cleanup import clean_up
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.rows import UNDER_WAY, Run
from unlearn_core.store.runs import Check, Store, open_store


def room_for(store: Store, visitor: str, requests: Sequence[ForgetRequest] = (), resumed: int = 0) -> Check:
    """Clean up before more runs of a visitor, and return what checks that they are not too many.

    `resumed` runs are kept already, and are under way again. Without a visitor ("") there is no limit.

    Raises:
        UserError: a request is too large, or the visitor's files are.
    """
    if not visitor:
        return lambda kept: None
    _check_sizes(requests)
    clean_up(store)
    check_disk(store.root, visitor)
    return lambda kept: _check_numbers(kept, len(requests), resumed)


def check_disk(root: Path, visitor: str) -> None:
    """Raise `UserError` if everything that is kept of a visitor takes more than is allowed."""
    if visitor and _bytes_of(_folders(root, visitor)) > quotas.VISITOR_MB.value * 2**20:
        raise UserError(
            f"This server keeps {quotas.VISITOR_MB.value:,} MB per visitor: delete runs, or what is on "
            "the page Add."
        )


def _check_sizes(requests: Iterable[ForgetRequest]) -> None:
    for request in requests:
        if Pick.parse(request.pick).count > quotas.PICTURES.value:
            raise UserError(f"This server forgets at most {quotas.PICTURES.value:,} pictures in one run.")
        if request.max_steps > quotas.STEPS.value:
            raise UserError(f"This server carries out at most {quotas.STEPS.value:,} steps in one run.")


def _check_numbers(kept: list[Run], more: int, resumed: int) -> None:
    if sum(run.state in UNDER_WAY for run in kept) + more + resumed > quotas.UNDER_WAY.value:
        raise UserError(
            f"This server runs at most {quotas.UNDER_WAY.value} runs per visitor at once: wait for one, or "
            "cancel it."
        )
    if len(kept) + more > quotas.RUNS.value:
        raise UserError(
            f"This server keeps {quotas.RUNS.value} runs per visitor: delete some on the page Runs."
        )


def _folders(root: Path, visitor: str) -> list[Path]:
    store = open_store(root)
    return [
        *(store.folder(run.id) for run in store.runs(visitor)),
        *(
            custom_classifier_folder(root, one.name)
            for one in custom_classifiers(root)
            if one.visitor == visitor
        ),
        *(added_folder(root, one.name) for one in added_image_sets(root) if one.visitor == visitor),
        upload_folder(root, visitor),
        *uploads_of(root, visitor),
    ]


def _bytes_of(folders: Iterable[Path]) -> int:
    total = 0
    for top in folders:
        for folder, _, files in os.walk(top):
            for file in files:
                # It may be removed between being listed and being looked at.
                with suppress(FileNotFoundError):
                    total += Path(folder, file).stat().st_size
    return total
