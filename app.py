"""The door: page config and navigation. Start it with `streamlit run app.py`."""

from pathlib import Path

import streamlit as st

IMAGES = Path(__file__).parent / "pages" / "shared"
# Streamlit's own margins leave too little of a laptop's width for two columns.
STYLE = "<style>.stMainBlockContainer { padding-inline: 2.5rem; }</style>"


def main() -> None:
    """Open the page that the URL names."""
    st.set_page_config(
        page_title="Unlearn Lens",
        page_icon=IMAGES / "icon.png",
        layout="wide",
        initial_sidebar_state="collapsed",
    )
    st.logo(IMAGES / "logo.svg", size="large")
    st.html(STYLE)
    pages = [
        st.Page("pages/forget/forget.py", title="Forget", icon=":material/ink_eraser:", default=True),
        st.Page("pages/before_after/before_after.py", title="Before / after", icon=":material/compare:"),
        st.Page("pages/weights/weights.py", title="Weights", icon=":material/grid_on:"),
        st.Page(
            "pages/attributions/attributions.py", title="Attributions", icon=":material/center_focus_strong:"
        ),
        st.Page("pages/replay/replay.py", title="Replay", icon=":material/movie:"),
        st.Page("pages/compare/compare.py", title="Compare", icon=":material/compare_arrows:"),
        st.Page("pages/add/add.py", title="Add", icon=":material/add_circle:"),
        st.Page("pages/runs/runs.py", title="Runs", icon=":material/list_alt:"),
    ]
    st.navigation(pages, position="top").run()


# Worker processes made by spawn run this file again under another name; they must not open pages.
if __name__ == "__main__":
    main()
