"""The app. Start it with `streamlit run app.py`."""

import streamlit as st

from pages.shared.errors import show_fault
from pages.shared.server_start import prepare_server, serving

if __name__ == "__main__":
    # Worker processes would run the file that this names, and load Streamlit.
    del __file__
    # Here: a server imports this file too, and what the pages need it imports while the first browser loads.
    from pages.shared.navigation import open_page

    open_page()
elif __name__ != "__mp_main__":  # The name in a worker process that starts just before that.
    # `streamlit run` imports this file once to find the App, then runs it for every visit.
    prepare_server()
    app = st.App(__file__, lifespan=serving, on_script_error=show_fault)
