"""Add: bring a classifier or pictures of your own, and see at once whether they were understood."""

import streamlit as st

from pages.add.add_classifier import add_classifier
from pages.add.add_images import add_images
from pages.add.catalog_table import catalog_table


def page() -> None:
    """Draw what can be added, and under it all that there is."""
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
    st.markdown("##### What there is")
    catalog_table()


page()
