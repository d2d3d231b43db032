"""The request for the picked pictures: goal and depth, and what is rarely changed: method and settings."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from pages.shared.glossary import explained
from unlearn_core.artifacts.image_table import ImageTable
from unlearn_core.catalog.class_names import class_choices
from unlearn_core.catalog.entries import ClassifierEntry
from unlearn_core.common.sharing import is_shared
from unlearn_core.forgetting.depths import DEPTH_OPTION, DEPTHS, MEASURED_WITH, default_depth
from unlearn_core.forgetting.entry import Option
from unlearn_core.forgetting.registry import method_entry, methods

_GOALS = {
    "misclassify": ("Misclassify", explained("misclassify")),
    "relabel": ("Relabel", explained("relabel")),
}
_MAIN = ("anchor", "adv+imp", "adv", "neggrad")
_OTHER = "other"
_DEPTHS_CHOSEN = "depths_chosen"
_LARGE, _SAMPLE = 10_000, 5_000
"""Pictures: from so many on, measuring a sample of so many is offered."""
_RETAINED = 4000
_RUNNER_UP = "the runner-up of each picture"


def choose_goal(table: ImageTable | None, ids: list[int]) -> dict[str, object]:
    """Show the goals; return the request's fields `goal` and `new_labels`."""
    goal = st.radio(
        "Goal",
        list(_GOALS),
        format_func=lambda name: _GOALS[name][0],
        captions=[caption for _, caption in _GOALS.values()],
        horizontal=True,
        key="goal",
        persist_state="session",
        label_visibility="collapsed",
    )
    new_labels = _new_labels(table, ids) if goal == "relabel" and table is not None else {}
    return {"goal": goal, "new_labels": new_labels}


def choose_depth(
    method: str, goal: object, classifier: ClassifierEntry, instances: int
) -> dict[str, float | int]:
    """Show the depths with what each costs; return the option, or nothing if the method has none."""
    if all(option.name != DEPTH_OPTION.name for option in method_entry(method).options):
        return {}
    # What was chosen for digits is not asked of photos. Until somebody chooses, the default follows the pick.
    side, channels = classifier.input_size, classifier.channels
    key = f"depth:{side}:{channels}"
    chosen = st.session_state.setdefault(_DEPTHS_CHOSEN, {})
    st.session_state[key] = chosen.get(key, default_depth(side, channels, instances))
    st.segmented_control(
        "How deep",
        range(len(DEPTHS)),
        format_func=lambda number: DEPTHS[number].title,
        required=True,
        key=key,
        on_change=lambda: chosen.update({key: st.session_state[key]}),
        help=explained("depth"),
    )
    depth = st.session_state[key]
    st.caption(f"{DEPTHS[depth].summary} {DEPTHS[depth].price(instances)}{_of_others(goal, classifier)}")
    return {DEPTH_OPTION.name: depth}


def _of_others(goal: object, classifier: ClassifierEntry) -> str:
    """Say so where the price was measured with another goal or classifier."""
    others = []
    if goal == "relabel":
        others.append("To relabel")
    if classifier.name != MEASURED_WITH:
        others.append("with this classifier" if others else "With this classifier")
    return f" {' '.join(others)} it may cost more or less." if others else ""


def methods_off(classifier: ClassifierEntry) -> dict[str, str]:
    """Return the methods that fail on a classifier, with the reasons; without those not installed now."""
    installed = {entry.name for entry in methods()}
    return {name: reason for name, reason in classifier.methods_off if name in installed}


def choose_method(off: Mapping[str, str]) -> dict[str, object]:
    """Show the main methods, the others behind one more click; return the fields `method` and `retained`.

    Args:
        off: methods that fail on the classifier, with the reason.
    """
    main = [name for name in _MAIN if name not in off]
    others = [entry for entry in methods() if entry.name not in _MAIN and entry.name not in off]
    if off:
        reasons = "  \n".join(f"**{method_entry(name).title}**: {reason}" for name, reason in off.items())
        titles = ", ".join(method_entry(name).title for name in off)
        st.caption(f"Not offered for this classifier: {titles}.", help=reasons)
    chosen = st.radio(
        "Method",
        [*main, _OTHER],
        format_func=lambda name: "Another method" if name == _OTHER else method_entry(name).title,
        captions=[*(method_entry(name).summary for name in main), "From other papers."],
        key=_key("method", off),
        persist_state="session",
    )
    if chosen != _OTHER:
        return {"method": chosen, "retained": 0}
    left, right = st.columns([3, 2])
    with left:
        method = st.selectbox(
            "Other method",
            [entry.name for entry in others],
            format_func=lambda name: method_entry(name).title,
            key=_key("other_method", off),
            persist_state="session",
            help="  \n".join(f"**{entry.title}**: {entry.summary} ({entry.paper})" for entry in others),
        )
    entry = method_entry(method)
    with right:
        retained = st.number_input(
            "Kept pictures to train on",
            1 if entry.retained_data == "needed" else 0,
            1_000_000,
            _RETAINED if entry.retained_data == "needed" else 0,
            key=f"retained:{method}",
            persist_state="session",
            disabled=entry.retained_data == "none",
            help="At most so many kept pictures (D_r) may be trained on. The methods above use none.",
        )
    st.caption(f"{entry.summary} {entry.paper}.")
    return {"method": method, "retained": 0 if entry.retained_data == "none" else retained}


def more_settings(method: str, pictures: int) -> dict[str, Any]:
    """Show the settings that are rarely changed; return the request's other fields.

    `pictures` is the size of the image set.
    """
    first, second, third = st.columns(3)
    seed = first.number_input(
        "Seed", 0, 2**31 - 1, 0, key="seed", persist_state="session", help=explained("seed")
    )
    max_steps = second.number_input(
        "Maximum steps",
        1,
        100_000,
        300,
        key="max_steps",
        persist_state="session",
        help=explained("maximum steps"),
    )
    device = third.selectbox(
        "Device",
        ["auto", "cpu", "cuda", "mps"],
        key="device",
        persist_state="session",
        help="auto uses a GPU if there is one.",
    )
    measure = _how_many_to_measure(pictures)
    measure_on = "" if is_shared() else _folder_to_measure()
    columns = st.columns(3)
    options_shown = [one for one in method_entry(method).options if one.name != DEPTH_OPTION.name]
    options = {
        option.name: _option(option, method, columns[number % 3])
        for number, option in enumerate(options_shown)
    }
    return {
        "seed": seed,
        "max_steps": max_steps,
        "device": device,
        "measure": measure,
        "measure_on": f"folder:{measure_on}" if measure_on else None,
        "options": options,
    }


def _folder_to_measure() -> str:
    return st.text_input(
        "Also measure on a folder",
        key="measure_on",
        persist_state="session",
        placeholder="/home/me/other-pictures",
        help="Its pictures are measured as kept ones.",
    ).strip()


def _how_many_to_measure(pictures: int) -> int:
    """Offer a sample of a large image set; return the number of pictures, 0 for all."""
    if pictures < _LARGE:
        return 0
    chosen = st.segmented_control(
        "Measure kept and never seen pictures",
        [0, _SAMPLE],
        format_func=lambda count: f"{count:,} at random" if count else f"all {pictures:,}",
        default=0,
        required=True,
        key="measure",
        persist_state="session",
        help="After the run. All take longer; with a sample the result says how far it may be from all.",
    )
    return int(chosen)


def others_to_compare(off: Mapping[str, str]) -> list[dict[str, object]]:
    """Let the person add methods to the same request; return the fields that differ for each.

    Args:
        off: methods that fail on the classifier.
    """
    chosen = st.multiselect(
        "Also run with",
        [entry.name for entry in methods() if entry.name != "retrain" and entry.name not in off],
        format_func=lambda name: method_entry(name).title,
        max_selections=5,
        key=_key("compare_with", off),
        persist_state="session",
        placeholder="other methods, for comparison",
        help="The same pictures, goal and seed with the defaults of each method, one run after another. "
        "Methods that train on kept pictures get 4,000.",
    )
    return [
        {
            "method": name,
            "retained": _RETAINED if method_entry(name).retained_data == "needed" else 0,
            "options": {},
        }
        for name in chosen
    ]


def _key(name: str, off: Mapping[str, str]) -> str:
    """Return the key of a choice of methods: other options are another control."""
    return ":".join([name, *off])


def _new_labels(table: ImageTable, ids: list[int]) -> dict[int, int]:
    """Show the choice of the new class; return it for every picture that does not have it already."""
    choices = class_choices(table.class_names)
    choice = st.selectbox(
        "New class",
        [None, *range(len(table.class_names))],
        format_func=lambda label: _RUNNER_UP if label is None else choices[label],
        key="new_class",
        help="The runner-up is the second most likely class of a picture.",
    )
    if choice is None:
        return {}
    label_of = dict(zip(table.ids.tolist(), table.labels.tolist(), strict=True))
    already = [one for one in ids if label_of[one] == choice]
    if already:
        words = (
            "has this class already and gets its"
            if len(already) == 1
            else "have this class already and get their"
        )
        st.caption(f"{len(already)} of the pictures {words} runner-up class.")
    return {one: choice for one in ids if label_of[one] != choice}


def _option(option: Option, method: str, column: "st.delta_generator.DeltaGenerator") -> float | int:
    whole = isinstance(option.default, int)
    return column.number_input(
        option.name.replace("_", " "),
        min_value=option.low,
        max_value=option.high,
        value=option.default,
        step=1 if whole else option.default / 10 or 0.1,
        format="%d" if whole else "%g",
        key=f"option:{method}:{option.name}",
        persist_state="session",
        help=f"{option.help} {option.low:g} to {option.high:g}.",
    )
