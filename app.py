"""Page config and navigation. Start it with `streamlit run app.py`."""

from pathlib import Path

import streamlit as st

from pages.shared.app_state import closing_workers, show_error, show_fault
from pages.shared.links import PAGES
from pages.shared.server_start import prepare_server
from pages.shared.sign_in import may_enter, sign_out_pages
from unlearn_core.errors import UserError

SHARED = Path(__file__).parent / "pages" / "shared"


def main() -> None:
    """Open the page that the URL names."""
    st.set_page_config("Unlearn Lens", SHARED / "icon.png", "wide", initial_sidebar_state="collapsed")
    st.logo(SHARED / "logo.svg", size="large")
    st.html(SHARED / "layout.css")
    # Streamlit serves the first page at "/" and at no other address, whatever its url_path says.
    first = st.Page(PAGES[0].file, title=PAGES[0].title, icon=PAGES[0].icon, url_path="first", default=True)
    others = [st.Page(page.file, title=page.title, icon=page.icon) for page in PAGES[1:]]
    forget = st.Page(lambda: _open(first), title="Forget", url_path="forget", visibility="hidden")
    pages = [first, *others, forget]
    if not may_enter():
        # They exist all the same: a link to one of them opens the door too.
        st.navigation(pages, position="hidden")
        return
    chosen = st.navigation([*pages, *sign_out_pages()], position="top")
    try:
        chosen.run()
    except UserError as error:
        # No page can be drawn with a store that cannot be read or written.
        show_error(error)


def _open(page: st.Page) -> None:
    st.switch_page(page, query_params=st.query_params.to_dict())


if __name__ == "__main__":
    main()
elif __name__ != "__mp_main__":  # The name of this file in worker processes.
    # `streamlit run` imports this file once to find the App, then runs it for every visit.
    prepare_server()
    app = st.App(__file__, lifespan=closing_workers, on_script_error=show_fault)
