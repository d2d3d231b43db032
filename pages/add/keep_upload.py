"""Uploaded files on the page *Add*."""

from pathlib import Path
from typing import Any

from pages.shared.app_state import store
from pages.shared.visitor import visitor
from unlearn_core.catalog.untrusted.uploads import store_upload
from unlearn_core.store.limits import check_disk


def keep_upload(uploaded: Any) -> Path:
    """Store a file of the uploader for a worker and return its path; `UserError` if there is no room."""
    root = store().root
    check_disk(root, visitor())
    return store_upload(root, uploaded.name, uploaded.getbuffer(), visitor())
