"""All classifiers and image sets: source, licence, and whether they are on the disk."""

from typing import Any

import pandas as pd
import streamlit as st

from pages.shared.app_state import store
from pages.shared.errors import show_error
from pages.shared.visitor import may_see, visitor
from unlearn_core.catalog.entries import ClassifierEntry, classifiers
from unlearn_core.catalog.on_disk import is_on_disk, megabytes
from unlearn_core.catalog.sources.base import ImageSetEntry
from unlearn_core.catalog.sources.registry import ADDED, image_sets
from unlearn_core.common.sharing import is_shared
from unlearn_core.errors import UserError
from unlearn_core.store.cleanup import remove_added


def catalog_table() -> None:
    """Draw the table, and under it a button to remove what the person added."""
    rows = _rows()
    st.dataframe(
        pd.DataFrame(rows).drop(columns="mine"),
        hide_index=True,
        key="catalog",
        placeholder="",
        column_config={"MB": st.column_config.NumberColumn(format="%.1f")},
    )
    mine = [row["name"] for row in rows if row["mine"]]
    if mine:
        with st.popover("Remove", icon=":material/delete:"):
            name = st.selectbox("Which", mine, key="take_out")
            st.caption("Its weights or its uploaded pictures are deleted and cannot be restored.")
            st.button("Remove it", key="take_out_now", type="primary", on_click=_remove, args=(name,))
    if error := st.session_state.pop("remove_error", None):
        show_error(error)


def _rows() -> list[dict[str, Any]]:
    entries: list[tuple[ClassifierEntry | ImageSetEntry, str, bool]]
    entries = [(entry, "classifier", entry.brought) for entry in classifiers()]
    entries += [(entry, "pictures", entry.source == ADDED) for entry in image_sets()]
    # What people added themselves is what they look for.
    entries.sort(key=lambda entry: not entry[2])
    return [
        {
            "name": entry.name,
            "kind": kind,
            "what": entry.summary,
            "classes": entry.classes or None,
            "MB": megabytes(entry),
            "on disk": "yes" if is_on_disk(entry) else "no",
            "licence": entry.licence,
            "source": entry.source,
            "mine": brought and _may_remove(entry.visitor),
        }
        for entry, kind, brought in entries
        if may_see(entry.visitor)
    ]


def _may_remove(owner: str) -> bool:
    """On a shared server people remove only what they added themselves."""
    return not is_shared() or owner == visitor()


def _remove(name: str) -> None:
    try:
        remove_added(store(), name, visitor())
    except UserError as error:
        st.session_state["remove_error"] = error
