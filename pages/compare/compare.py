"""Compare: which run forgets more, which retains more, and how do their attributions differ?"""

import pandas as pd
import streamlit as st

from pages.compare.choose_runs import choose_runs, linked_runs
from pages.compare.compare_figures import curves_figure, frontier_figure, titles
from pages.compare.conclusion import conclusion
from pages.compare.offer_another import offer_another
from pages.compare.run_maps import contest, run_maps_html
from pages.shared.app_state import current_run, my_runs, store
from pages.shared.errors import show_error
from pages.shared.explained_words import FOR_THE_LABEL, NO_ALGORITHM, baseline_words, explained_words, side_of
from pages.shared.followed_pictures import choose_followed
from pages.shared.links import COMPARE
from pages.shared.measurements import measured_as
from pages.shared.palette import CONFIG
from pages.shared.picture_choice import choose_pictures
from pages.shared.run_picker import nothing_yet
from pages.shared.words import FORGET_SET, RETAIN_SET, SETS
from unlearn_core.artifacts.attribution_maps import NO_CLASS, Attributions, read_attributions
from unlearn_core.artifacts.predictions import Comparison, read_comparison
from unlearn_core.engine.looks import AttributionMapsRequest
from unlearn_core.errors import UserError
from unlearn_core.measuring.attribution.registry import algorithm_entry, offered
from unlearn_core.measuring.attribution.request import AttributionRequest
from unlearn_core.store.compare_runs import RunComparison, RunNumbers, compare
from unlearn_core.store.run_file import check_run_files

_CURVES = {
    "frontier": "Kept against forgotten",
    "forget_accuracy": FORGET_SET.name,
    "retain_accuracy": RETAIN_SET.name,
}
_AGREES = f"{RETAIN_SET.title}, agreement"
_COPIES = "changed copies"
_MOST_PICTURES = 3


def page() -> None:
    """Draw the choice of runs, a table, curves, and attribution maps of a few pictures in every run."""
    current = None
    try:
        current = current_run()
    except UserError as error:
        show_error(error)
    linked = linked_runs()
    own = [run for run in my_runs() if run.id not in [one.id for one in linked]]
    runs = [run for run in (*linked, *own) if run.parsed_result() is not None]
    if not runs:
        nothing_yet()
        return
    ids = [run_id for run_id in choose_runs(runs, current) if _is_readable(run_id)]
    if len(ids) < 2:
        st.info("Choose two runs or more to see them side by side.", icon=COMPARE.icon)
        offer_another(store().get(ids[0]) if ids else runs[0])
        return
    try:
        comparison = compare(store(), ids)
        st.markdown(conclusion(comparison.runs))
        table = _table(comparison)
        left, right = st.columns(2, gap="large")
        with left:
            _curves(comparison)
        with right:
            _maps(comparison)
        st.download_button(
            "Table as CSV", table.to_csv(index=False), "runs.csv", "text/csv", icon=":material/download:"
        )
    except UserError as error:
        show_error(error)


def _is_readable(run_id: str) -> bool:
    """Return whether the files of a run can be read; say what is wrong with those that cannot."""
    folder = store().folder(run_id)
    try:
        check_run_files(folder)
        # Runs of earlier versions have no checksums.
        read_comparison(folder)
    except UserError as error:
        show_error(error)
        return False
    return True


def _table(comparison: RunComparison) -> pd.DataFrame:
    lines = comparison.runs
    rows = []
    for title, line in zip(titles(lines), lines, strict=True):
        rows.append(
            {
                "": title,
                "goal": line.goal,
                "pictures": line.k,
                **{words.name: line.accuracy.model_dump()[name] for name, words in SETS.items()},
                _COPIES: line.changed_copies,
                _AGREES: line.agreement.retain,
                "steps": line.steps,
                "seconds": round(line.seconds, 1),
                "ended": _ended(line),
                "run": line.run,
            }
        )
    table = pd.DataFrame(rows)
    percent = st.column_config.NumberColumn(format="%.2f%%")
    same = {name for name in ("goal", "ended") if table[name].nunique() == 1}
    st.dataframe(
        table,
        hide_index=True,
        # Narrow windows need the room.
        column_order=[name for name in table if name not in same],
        column_config=dict.fromkeys([*(one.name for one in SETS.values()), _COPIES, _AGREES], percent),
    )
    return table


def _ended(line: RunNumbers) -> str:
    strength = _strength(line)
    return line.stopped if strength == 1 else f"{100 * strength:.0f}% of the way"


def _strength(line: RunNumbers) -> float:
    return store().get(line.run).parsed_request().strength


def _curves(comparison: RunComparison) -> None:
    # The steps of a run that was kept part of the way lead to other weights than its own.
    lines = [line for line in comparison.runs if _strength(line) == 1]
    drawn = st.segmented_control(
        "Curves",
        list(_CURVES),
        format_func=_CURVES.__getitem__,
        default="frontier",
        required=True,
        key="curves",
        bind="query-params",
        label_visibility="collapsed",
    )
    if drawn == "frontier":
        figure = frontier_figure(lines)
        words = (
            "Each run from its start (left) to its end (large mark). Towards the upper right is better. Each "
            "step was measured on a sample of the kept pictures, the table's numbers on all of them."
        )
    else:
        figure = curves_figure(lines, [store().steps(line.run) for line in lines], drawn == "retain_accuracy")
        words = (
            "Accuracy against the seconds since the start: on the pictures to forget it should fall, on kept "
            "ones stay."
        )
    st.plotly_chart(figure, config=CONFIG, key="compare_figure")
    if len(lines) < len(comparison.runs):
        words += " Runs that were kept part of the way have no curve."
    st.caption(words)


def _maps(comparison: RunComparison) -> None:
    """Show attribution maps of a few pictures in every run, on one scale per picture."""
    lines = comparison.runs
    if comparison.agreement is None:
        st.caption("Attribution maps need runs of the same classifier and image set.")
        return
    algorithms = [entry.name for entry in offered(lines[0].classifier)]
    if not algorithms:
        st.caption(NO_ALGORITHM)
        return
    first, second = st.columns(2, vertical_alignment="bottom")
    algorithm = first.selectbox(
        "Algorithm",
        algorithms,
        format_func=lambda name: algorithm_entry(name).title,
        key="algorithm",
        bind="query-params",
    )
    predictions = [read_comparison(store().folder(line.run)) for line in lines]
    wanted = choose_followed(second, store().get(lines[0].run), predictions[0], _MOST_PICTURES)
    ids = _in_all(wanted or choose_pictures(predictions[0])[:_MOST_PICTURES], predictions)
    if not ids:
        st.caption("None of these pictures was there in every run.")
        return
    shown: list[list[Attributions]] = []
    for one in ids:
        target = contest(one, predictions) if algorithm_entry(algorithm).signed else "label"
        asked = [AttributionRequest.parse(line.run, [one], algorithm, target) for line in lines]
        shown.append([_measured(request) for request in asked])
    first_runs = [runs[0] for runs in shown]
    words = [
        [f"id {one}; {explained_words(predictions[0], maps, 0)}", *_predictions_of(one, predictions)]
        for one, maps in zip(ids, first_runs, strict=True)
    ]
    sides = {side_of(predictions[0], algorithm, maps) for maps in first_runs}
    side = sides.pop() if len(sides) == 1 else FOR_THE_LABEL
    st.html(run_maps_html(shown, ["before", *titles(lines)], words, side))
    st.caption(
        "One row per picture, on one scale; below each map the prediction. "
        f"{algorithm_entry(algorithm).reading} {_explained(asked[0], first_runs[0])}"
    )


def _in_all(ids: list[int], predictions: list[Comparison]) -> list[int]:
    """Return the pictures that every run has: an image set may have had fewer at an earlier one."""
    known = [set(one.ids[one.image_set == 0].tolist()) for one in predictions]
    return [one for one in ids if all(one in of_run for of_run in known)]


def _measured(request: AttributionRequest) -> Attributions:
    waiting = "Computing maps for every run; photos take a while …"
    return measured_as(read_attributions, AttributionMapsRequest(request), waiting)[0]


def _explained(request: AttributionRequest, maps: Attributions) -> str:
    words = "The explained score is that of the label"
    if maps.against[0] != NO_CLASS:
        words += ", less that of what most runs predict instead, or of the runner-up where none does"
    return f"{words}. {baseline_words(request, maps.inputs.shape[-1])}"


def _predictions_of(picture: int, predictions: list[Comparison]) -> list[str]:
    """Return a picture's prediction and confidence before, and after every run."""
    words = []
    for number, one in enumerate(predictions):
        place = int(((one.image_set == 0) & (one.ids == picture)).argmax())
        if number == 0:
            words.append(f"{one.short_name(one.before[place])} · {100 * one.before_top[place]:.0f}%")
        words.append(f"{one.short_name(one.after[place])} · {100 * one.after_top[place]:.0f}%")
    return words


page()
