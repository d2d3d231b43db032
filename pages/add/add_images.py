"""Adding an image set: a .zip or a folder with one folder per class, a CSV file, or UTKFace."""

import math
from typing import Any

import streamlit as st

from pages.add.forget_added import classifier_for, forget_button
from pages.add.keep_upload import keep_upload
from pages.shared.app_state import engine, store
from pages.shared.errors import show_error
from pages.shared.visitor import visitor
from pages.shared.words import plain
from unlearn_core.catalog.records.image_set_record import (
    LEFT_OUT,
    AddedImageSet,
    added_folder,
    read_left_out,
)
from unlearn_core.catalog.sources.utkface import GROUPINGS
from unlearn_core.catalog.untrusted.uploads import most_bytes
from unlearn_core.common.counted import counted
from unlearn_core.common.sharing import is_shared
from unlearn_core.engine.additions import AddImageSetRequest
from unlearn_core.errors import UserError

_WAYS = {"upload": "A .zip", "folder": "A folder", "csv": "A CSV file", "utkface": "UTKFace"}
_HELP = {
    "upload": "One folder per class inside, with or without those of a split, as `train/`, above.",
    "folder": "One folder per class, with or without those of a split above; or a .zip of that.",
    "csv": "Columns `path` and `label`, or `path` and a column of 0 and 1 for each class; optionally "
    "`split`. Paths are relative to the file's folder.",
    "utkface": "Faces whose file names begin with the age; the classes are age groups.",
}
_ADDED = "added_images"


def add_images() -> None:
    """Draw the form, and after adding a link to the image set."""
    if record := st.session_state.pop(_ADDED, None):
        _say(record)
    ways = ["upload"] if is_shared() else list(_WAYS)
    way = str(
        st.segmented_control(
            "From",
            ways,
            default="upload",
            format_func=_WAYS.__getitem__,
            required=True,
            key="add_images_from",
            bind="query-params",
        )
    )
    st.caption(_HELP[way])
    with st.form("add_images", border=False):
        left, right = st.columns(2)
        uploaded, source = None, ""
        with left:
            if way == "upload":
                uploaded = st.file_uploader(
                    "Pictures", ["zip"], key="add_zip", max_upload_size=most_bytes() // 2**20
                )
            else:
                source = _path(way)
        name = right.text_input(
            "Name in the catalog",
            key="add_images_name",
            max_chars=60,
            placeholder="that of the folder or file",
        )
        window = _window()
        pressed = st.form_submit_button("Add", type="primary", icon=":material/add:")
    if pressed:
        _add(name.strip(), source, uploaded, window)


def _say(record: AddedImageSet) -> None:
    """Say that a set was added, what was guessed, and what was left out."""
    classes = len(record.class_names)
    of = f" of {classes:,} class{'' if classes == 1 else 'es'}" if classes else ""
    said = " ".join(
        (
            f"**{plain(record.name)}** is in the catalog: {counted(record.pictures)}{of}.",
            *map(plain, record.notes),
        )
    )
    st.success(said, icon=":material/check_circle:")
    forget_button("Forget some of them", classifier_for(record), record.name)
    if record.left_out:
        first = read_left_out(store().root, record.name)[0][1]
        st.warning(
            f"{record.left_out_in_words()}, the first because {plain(first)}", icon=":material/warning:"
        )
        st.download_button(
            "All that was left out",
            (added_folder(store().root, record.name) / LEFT_OUT).read_bytes(),
            f"{record.name} left out.csv",
            key="left_out",
            on_click="ignore",
            icon=":material/download:",
        )


def _window() -> tuple[float, float] | None:
    with st.expander("Medical and other pictures with more than eight bits per channel"):
        st.caption("Which intensities become black and white; left empty, a sample of the pictures says so.")
        left, right = st.columns(2)
        low = left.number_input("Black", value=None, format="%g", key="add_window_low")
        high = right.number_input("White", value=None, format="%g", key="add_window_high")
    if low is None and high is None:
        return None
    return (math.nan if low is None else low, math.nan if high is None else high)


def _path(way: str) -> str:
    path = st.text_input("Path, on the machine that runs this app", key="add_images_path").strip(" \"'")
    if way == "utkface":
        grouping = st.selectbox(
            "Age groups",
            list(GROUPINGS),
            format_func=lambda one: f"{one}: from {', '.join(map(str, GROUPINGS[one]))} years",
            key="add_grouping",
        )
        return f"utkface:{grouping}:{path}" if path else ""
    return f"{way}:{path}" if path else ""


def _add(name: str, source: str, uploaded: Any, window: tuple[float, float] | None) -> None:
    if uploaded is None and not source:
        st.warning("Choose the pictures.", icon=":material/edit:")
        return
    try:
        path = None if uploaded is None else keep_upload(uploaded)
        with st.spinner("Checking every picture …"):
            look = engine().look(AddImageSetRequest(name, source, path, visitor(), window))
            st.session_state[_ADDED] = look.result()
    except UserError as error:
        show_error(error)
        return
    st.rerun()
