"""Add: a classifier or an image set of your own, checked on a few pictures first."""

import streamlit as st

from pages.add.add_classifier import add_classifier
from pages.add.add_images import add_images
from pages.add.catalog_table import catalog_table
from pages.add.forget_added import go_on


def page() -> None:
    """Draw the form to add something, and under it the whole catalog."""
    go_on()
    st.caption(
        "Bring a classifier or pictures of your own. A classifier is tried first, and you see what was found "
        "before it is kept; of pictures, each is checked as they are added."
    )
    what = st.segmented_control(
        "Add",
        ["A classifier", "Pictures"],
        default="A classifier",
        required=True,
        key="add_what",
        bind="query-params",
        label_visibility="collapsed",
    )
    if what == "Pictures":
        add_images()
    else:
        add_classifier()
    st.divider()
    st.markdown("##### Catalog")
    catalog_table()


page()
