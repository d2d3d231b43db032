"""What is done once in the life of a server: before it answers its first visitor, and when it ends."""

import hashlib
import secrets
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from importlib import import_module
from types import ModuleType

import streamlit as st
from streamlit import delta_generator
from streamlit.runtime import memory_media_file_storage
from streamlit.runtime.pages_manager import PagesManager

from unlearn_core import __version__
from unlearn_core.common.home import keep_new_files_private
from unlearn_core.common.lasting_imports import lasting_imports
from unlearn_core.common.log import keep_log, log_event
from unlearn_core.common.quotas import check_quotas
from unlearn_core.common.sharing import is_shared
from unlearn_core.errors import UserError

_FIRST_PAGE = ("pages.shared.run_panel", "pages.forget.gallery_filters", "pages.forget.request_form")


def prepare_server() -> None:
    """Set what Streamlit has no options for, and keep new files private."""
    # Otherwise Streamlit takes the folder pages/ for its older kind of app at the first visit.
    PagesManager.uses_pages_directory = False
    # The address of a download is a hash of it: without a key, others could work out that of what they can
    # calculate themselves, and whether somebody has a file that they have.
    key = secrets.token_bytes(32)
    keyed = partial(hashlib.blake2b, digest_size=16, key=key)
    memory_media_file_storage.create_fast_hasher = keyed  # type: ignore[attr-defined, assignment]
    # At the first element Streamlit would look through all modules for whether this is a Python prompt.
    delta_generator._use_warning_has_been_displayed = True
    keep_new_files_private()
    _let_plotly_wait()
    try:
        check_quotas()
    except UserError as error:
        sys.exit(str(error))


def _let_plotly_wait() -> None:
    """Let Plotly wait for a module that another thread is still importing.

    It asks for pandas at every property of a figure, and uses it although half of it is not there yet.
    """
    half = import_module("_plotly_utils.optional_imports").get_module
    for module in list(sys.modules.values()):
        if getattr(module, "__dict__", {}).get("get_module") is half:
            vars(module)["get_module"] = _whole_module


def _whole_module(name: str, should_load: bool = True) -> ModuleType | None:
    """Do what Plotly's `get_module` does, but return a module only once it is whole."""
    if not should_load and name not in sys.modules:
        return None
    try:
        return import_module(name)
    except ImportError:
        return None


@asynccontextmanager
async def serving(app: st.App) -> AsyncIterator[None]:
    """Prepare the pages while the first browser loads; end the runs and the workers with the server."""
    keep_log()
    log_event("server started", version=__version__, shared=is_shared())
    preparing = threading.Thread(target=_prepare_pages, daemon=True)
    preparing.start()
    yield
    preparing.join()
    import_module("pages.shared.app_state").end_workers()
    log_event("server stopped")


def _prepare_pages() -> None:
    """Make what the first page shows, and import what it is drawn with."""
    with lasting_imports():
        import_module("pages.shared.image_tables").make_first_table()
        for name in _FIRST_PAGE:
            import_module(name)
