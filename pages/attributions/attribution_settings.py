"""The few numbers that attribution algorithms take, shown where a chosen one uses them."""

import streamlit as st

from unlearn_core.measuring.attribution.registry import (
    BASELINES,
    DEFAULT_SETTINGS,
    NOISES,
    PATCHES,
    Settings,
    algorithm_entry,
)


def attribution_settings(algorithms: list[str]) -> Settings:
    """Let the person set what the chosen algorithms use; what none of them uses stays as it is."""
    used = {name for one in algorithms for name in algorithm_entry(one).uses}
    if not used:
        return DEFAULT_SETTINGS
    baseline, patches, noise = DEFAULT_SETTINGS.baseline, DEFAULT_SETTINGS.patches, DEFAULT_SETTINGS.noise
    with st.popover("Settings", icon=":material/tune:"):
        if "baseline" in used:
            baseline = st.selectbox(
                "Compared with an empty picture that is …",
                list(BASELINES),
                format_func=BASELINES.__getitem__,
                key="baseline",
                bind="query-params",
                help="A map tells what the picture adds to this one: another baseline asks another question.",
            )
        if "patches" in used:
            patches = st.selectbox(
                "Patches along a side",
                PATCHES,
                index=PATCHES.index(patches),
                key="patches",
                bind="query-params",
                help="Small patches show details, large ones what parts do together.",
            )
        if "noise" in used:
            noise = st.selectbox(
                "Noise",
                NOISES,
                index=NOISES.index(noise),
                key="noise",
                bind="query-params",
                help="Standard deviation of what is added to the pixels, of values from 0 to 1.",
            )
    return Settings(baseline, patches, noise)
