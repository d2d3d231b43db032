"""Page config and navigation."""

from pathlib import Path

import streamlit as st

from pages.shared.errors import show_error
from pages.shared.links import PAGE, PAGES
from pages.shared.sign_in import may_enter, sign_out_pages
from unlearn_core.errors import UserError

_HERE = Path(__file__).parent


def open_page() -> None:
    """Open the page that the URL names."""
    st.set_page_config("Unlearn Lens", _HERE / "icon.png", "wide", initial_sidebar_state="collapsed")
    st.logo(_HERE / "logo.svg", size="large")
    st.html(_HERE / "layout.css")
    # Streamlit serves the first page at "/" and at no other address, whatever its url_path says.
    first = st.Page(PAGES[0].file, title=PAGES[0].title, icon=PAGES[0].icon, url_path="first", default=True)
    others = [st.Page(page.file, title=page.title, icon=page.icon) for page in PAGES[1:]]
    forget = st.Page(lambda: _switch_to(first), title="Forget", url_path="forget", visibility="hidden")
    pages = [first, *others, forget]
    if not may_enter():
        # They exist all the same: a link to one of them opens the door too.
        st.navigation(pages, position="hidden")
        return
    chosen = st.navigation([*pages, *sign_out_pages()], position="top")
    st.session_state[PAGE] = chosen.title
    try:
        chosen.run()
    except UserError as error:
        # No page can be drawn with a store that cannot be read or written.
        show_error(error)


def _switch_to(page: st.Page) -> None:
    st.switch_page(page, query_params=st.query_params.to_dict())
