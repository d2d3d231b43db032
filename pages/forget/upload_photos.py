"""Adding photos from files or from the camera."""

import streamlit as st

from pages.shared import selection
from pages.shared.app_state import engine
from pages.shared.errors import show_error
from pages.shared.image_tables import forget_table
from pages.shared.visitor import visitor
from unlearn_core.catalog.untrusted.pictures import SUFFIXES
from unlearn_core.engine.additions import AddUploadRequest
from unlearn_core.errors import UserError

_TYPES = [suffix.removeprefix(".") for suffix in SUFFIXES]
_ROUND, _REFUSED = "upload_round", "upload_refused"


def add_your_own(classifier: str, images: str) -> None:
    """Let the person add photos; they are kept in the store and picked."""
    for why in st.session_state.pop(_REFUSED, []):
        show_error(why)
    # A widget can be neither emptied nor closed: after each upload new ones replace them.
    number = st.session_state.setdefault(_ROUND, 0)
    with st.popover("Add your own photos", icon=":material/add_a_photo:", key=f"own_photos_{number}"):
        way = st.segmented_control(
            "From", ["files", "camera"], default="files", required=True, key="upload_way"
        )
        if way == "files":
            files = st.file_uploader(
                "Photos", _TYPES, accept_multiple_files=True, key=f"upload_{number}", max_upload_size=20
            )
        else:
            shot = st.camera_input("Photo", key=f"camera_{number}")
            files = [] if shot is None else [shot]
        if files and st.button(_add_label(len(files)), type="primary", key="upload_add"):
            _add(files, classifier, images)


def _add_label(count: int) -> str:
    return "Add this photo" if count == 1 else f"Add {count} photos"


def _add(files: list[st.runtime.uploaded_file_manager.UploadedFile], classifier: str, images: str) -> None:
    added, refused = [], []
    for file in files:
        try:
            number, said = engine().look(AddUploadRequest(file.name, file.getvalue(), visitor())).result()
        except UserError as error:
            refused.append(error)
            continue
        added.append(number)
        if said:
            st.toast(said, icon=":material/contrast:")
    if not added:
        for why in refused:
            show_error(why)
        return
    forget_table(classifier, images)
    selection.pick([*selection.picked(), *added])
    # A new uploader does not offer the added ones again.
    st.session_state[_ROUND] += 1
    st.session_state[_REFUSED] = refused
    st.rerun()
