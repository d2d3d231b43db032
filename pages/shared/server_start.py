"""What is set once, before a server answers its first visitor."""

import hashlib
import secrets
from functools import partial

from streamlit.runtime import memory_media_file_storage
from streamlit.runtime.pages_manager import PagesManager

from unlearn_core.common.home import keep_new_files_private


def prepare_server() -> None:
    """Set what Streamlit has no options for, and keep new files private."""
    # Otherwise Streamlit takes the folder pages/ for its older kind of app at the first visit.
    PagesManager.uses_pages_directory = False
    # The address of a download is a hash of it: without a key, others could work out that of what they can
    # calculate themselves, and whether somebody has a file that they have.
    key = secrets.token_bytes(32)
    keyed = partial(hashlib.blake2b, digest_size=16, key=key)
    memory_media_file_storage.create_fast_hasher = keyed  # type: ignore[attr-defined, assignment]
    keep_new_files_private()
