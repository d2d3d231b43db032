"""The settings of the chosen attribution algorithms."""

from typing import Any

import streamlit as st

from unlearn_core.measuring.attribution.registry import declared_settings
from unlearn_core.measuring.attribution.settings import Choice, Number, Setting, SettingValue


def attribution_settings(algorithms: list[str]) -> dict[str, SettingValue]:
    """Let the person set what the chosen algorithms use, and return the values by name."""
    used = declared_settings(algorithms)
    if not used:
        return {}
    with st.popover("Settings", icon=":material/tune:"):
        return {setting.name: _control(setting) for setting in used}


def _control(setting: Setting[Any]) -> SettingValue:
    if isinstance(setting, Choice):
        return st.selectbox(
            setting.title,
            list(setting.choices),
            index=list(setting.choices).index(setting.default),
            format_func=setting.choices.__getitem__,
            key=setting.name,
            bind="query-params",
            help=setting.help,
        )
    assert isinstance(setting, Number)
    if setting.offered:
        values = sorted({*setting.offered, setting.default})
        return st.selectbox(
            setting.title,
            values,
            index=values.index(setting.default),
            key=setting.name,
            bind="query-params",
            help=setting.help,
        )
    return st.number_input(
        setting.title,
        setting.minimum,
        setting.maximum,
        setting.default,
        key=setting.name,
        bind="query-params",
        help=setting.help,
    )
