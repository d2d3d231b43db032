"""All classifiers and image sets: where from, under which licence, whether they are on the disk."""

from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from pages.parts.app_state import show_error, store
from pages.parts.visitor import may_see, visitor
from unlearn_core.bring_commands import remove_brought
from unlearn_core.catalog.brought.records import brought_folder
from unlearn_core.catalog.entries import ADDED, classifiers, image_sets
from unlearn_core.errors import UserError
from unlearn_core.home import data_dir
from unlearn_core.sharing import is_shared

_SHIP = Path(__file__).parents[2] / "unlearn_core" / "catalog" / "weights"


def catalog_table() -> None:
    """Draw the table, and under it a way to take out what the person brought."""
    rows = [*_classifier_rows(), *_image_rows()]
    st.dataframe(
        pd.DataFrame(rows).drop(columns="mine"),
        hide_index=True,
        key="catalog",
        column_config={"MB": st.column_config.NumberColumn(format="%.1f")},
    )
    mine = [row["name"] for row in rows if row["mine"]]
    if mine:
        with st.popover("Take out", icon=":material/delete:"):
            name = st.selectbox("Which", mine, key="take_out")
            st.caption("Its tensors, or its uploaded pictures, are removed for good.")
            st.button("Take it out", key="take_out_now", type="primary", on_click=_remove, args=(name,))
    if error := st.session_state.pop("remove_error", None):
        show_error(error)


def _classifier_rows() -> list[dict[str, Any]]:
    rows = []
    for entry in classifiers():
        if not may_see(entry.visitor):
            continue
        folder = brought_folder(store().root, entry.name) if entry.brought else _SHIP
        file = folder / ("weights.safetensors" if entry.brought else f"{entry.name}.safetensors")
        rows.append(
            {
                "name": entry.name,
                "kind": "classifier",
                "what": entry.summary,
                "classes": entry.classes,
                "MB": file.stat().st_size / 1e6 if file.exists() else None,
                "on disk": "yes",
                "licence": entry.licence,
                "source": entry.source,
                "mine": entry.brought and _may_remove(entry.visitor),
            }
        )
    return rows


def _image_rows() -> list[dict[str, Any]]:
    there = {path.name for path in data_dir().iterdir()} if data_dir().is_dir() else set()
    return [
        {
            "name": entry.name,
            "kind": "pictures",
            "what": entry.summary,
            "classes": entry.classes or None,
            "MB": None,
            "on disk": "yes" if entry.source != "torchvision" or _found(entry.name, there) else "no",
            "licence": entry.licence,
            "source": entry.source,
            "mine": entry.source == ADDED and _may_remove(entry.visitor),
        }
        for entry in image_sets()
        if may_see(entry.visitor)
    ]


def _may_remove(owner: str) -> bool:
    """On a shared server people take out their own alone, not what everybody sees."""
    return not is_shared() or owner == visitor()


def _found(name: str, there: set[str]) -> bool:
    """Tell whether a folder of torchvision's data looks like this set: their names all begin alike."""
    start = {"stl10": "stl10", "svhn": "train_32x32", "flowers102": "flowers", "oxford-pets": "oxford"}
    known = start.get(name, {"cifar10": "cifar-10-", "cifar100": "cifar-100-"}.get(name, name))
    return any(one.startswith(known) for one in there) or (name == "imagenet" and "meta.bin" in there)


def _remove(name: str) -> None:
    try:
        remove_brought(store(), name, visitor())
    except UserError as error:
        st.session_state["remove_error"] = error
