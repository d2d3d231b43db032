"""Times in the time zone of the browser."""

from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st


def time_zone() -> tuple[tzinfo, str]:
    """Return the browser's time zone and its name; UTC if it is unknown."""
    name = st.context.timezone
    try:
        return (ZoneInfo(name), name) if name else (UTC, "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return UTC, "UTC"


def local_time(moment: datetime) -> str:
    """Return day and time, such as "25 Nov 19:45"; UTC is marked."""
    zone, name = time_zone()
    return f"{moment.astimezone(zone):%d %b %H:%M}" + (" UTC" if name == "UTC" else "")
