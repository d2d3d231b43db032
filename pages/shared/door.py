"""The way into a page, also for a link that is the first thing a fresh server sees."""

from collections.abc import Callable

from streamlit.runtime.pages_manager import PagesManager


def show(page: Callable[[], None]) -> None:
    """Draw a page as part of the app.

    Until app.py has called `st.navigation` once, Streamlit takes the folder pages/ for its older kind of app
    and runs a linked page without app.py: then go through app.py, which comes back here.
    """
    if PagesManager.uses_pages_directory:
        import app

        app.main()
    else:
        page()
