"""Times in the time zone of the browser."""

from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st


def time_zone() -> tuple[tzinfo, str]:
    """Return the browser's time zone and its name; UTC where the browser does not tell one."""
    name = st.context.timezone
    try:
        return (ZoneInfo(name), name) if name else (UTC, "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return UTC, "UTC"


def local_time(moment: datetime) -> str:
    """Return day and time for a person, such as "25 Nov 19:45"; where it is UTC it says so."""
    zone, name = time_zone()
    return f"{moment.astimezone(zone):%d %b %H:%M}" + (" UTC" if name == "UTC" else "")
