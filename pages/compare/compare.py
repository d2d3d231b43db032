"""Compare: which of these runs forgot better, which kept more, and do they look at the same things now?"""

import pandas as pd
import streamlit as st

from pages.compare.compare_figures import curves_figure, frontier_figure, titles
from pages.compare.run_maps import run_maps_html
from pages.shared.app_state import current_run, group_of, my_runs, show_error, store
from pages.shared.measurements import measured_as
from pages.shared.palette import CONFIG
from pages.shared.picture_choice import choose_pictures, enter_ids
from pages.shared.run_picker import describe, nothing_yet
from pages.shared.words import FORGET_SET, RETAIN_SET, SETS
from unlearn_core.artifacts.attribution_maps import Attributions, read_attributions
from unlearn_core.artifacts.predictions import Comparison, read_comparison
from unlearn_core.errors import UserError
from unlearn_core.measuring.attribution.registry import algorithm_entry, offered
from unlearn_core.measuring.attribution.request import AttributionRequest
from unlearn_core.store.compare_runs import MOST_RUNS, RunComparison, compare
from unlearn_core.store.rows import Run

_CURVES = {
    "frontier": "Kept against forgotten",
    "forget_accuracy": FORGET_SET.symbol,
    "retain_accuracy": RETAIN_SET.symbol,
}
_AGREES = f"{RETAIN_SET.symbol} agrees"
_MOST_PICTURES = 3


def page() -> None:
    """Draw the choice of runs, their numbers, their curves and a few pictures' maps in all of them."""
    looked_at = None
    try:
        looked_at = current_run()
    except UserError as error:
        show_error(error)
    runs = [run for run in my_runs() if run.parsed_result() is not None]
    if not runs:
        nothing_yet()
        return
    ids = _choose(runs, looked_at)
    if len(ids) < 2:
        st.info("Choose two runs or more to see them side by side.", icon=":material/compare_arrows:")
        return
    try:
        comparison = compare(store(), ids)
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


def _choose(runs: list[Run], looked_at: Run | None) -> list[str]:
    """Let the person choose; at first the run looked at last and those like it."""
    by_id = {run.id: run for run in runs}
    return st.multiselect(
        "Runs",
        list(by_id),
        default=_alike(runs, looked_at),
        format_func=lambda one: describe(by_id[one]),
        max_selections=MOST_RUNS,
        key="runs",
        bind="query-params",
        placeholder="Choose two to six runs",
        label_visibility="collapsed",
    )


def _alike(runs: list[Run], looked_at: Run | None) -> list[str]:
    """Return the runs started together with the one looked at last, else it and others of its pick."""
    first = next((run for run in runs if looked_at and run.id == looked_at.id), runs[0])

    together = [run.id for run in reversed(runs) if run.id in group_of(first.id)]
    if len(together) > 1:
        return together

    def asked(run: Run) -> tuple[str, str, str]:
        request = run.parsed_request()
        return request.classifier, request.images, request.pick

    others = [run.id for run in runs if run.id != first.id and asked(run) == asked(first)]
    return [first.id, *others][:MOST_RUNS]


def _table(comparison: RunComparison) -> pd.DataFrame:
    lines = comparison.runs
    rows = []
    for title, line in zip(titles(lines), lines, strict=True):
        rows.append(
            {
                "": title,
                "goal": line.goal,
                "k": line.k,
                **{words.symbol: line.accuracy.model_dump()[name] for name, words in SETS.items()},
                _AGREES: line.agreement.retain,
                "steps": line.steps,
                "seconds": round(line.seconds, 1),
                "ended": line.stopped,
                "run": line.run,
            }
        )
    table = pd.DataFrame(rows)
    percent = st.column_config.NumberColumn(format="%.2f %%")
    st.dataframe(
        table,
        hide_index=True,
        column_config=dict.fromkeys([*(one.symbol for one in SETS.values()), _AGREES], percent),
    )
    return table


def _curves(comparison: RunComparison) -> None:
    lines = comparison.runs
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
        words = "From the left (nothing forgotten) to each run's large mark. Higher at the right is better."
    else:
        figure = curves_figure(lines, [store().steps(line.run) for line in lines], drawn == "retain_accuracy")
        words = "Accuracy against the seconds since the start: D_f should fall, D_r should stay."
    st.plotly_chart(figure, config=CONFIG, key="compare_figure")
    st.caption(words)


def _maps(comparison: RunComparison) -> None:
    """Show what the maps of a few pictures became in every run, each picture's on one scale."""
    lines = comparison.runs
    if comparison.agreement is None:
        st.caption("Maps need runs of one classifier and one set of pictures.")
        return
    first, second = st.columns(2, vertical_alignment="bottom")
    algorithm = first.selectbox(
        "Algorithm",
        [entry.name for entry in offered(lines[0].classifier)],
        format_func=lambda name: algorithm_entry(name).title,
        key="algorithm",
        bind="query-params",
    )
    wanted = enter_ids(second, "picture")
    predictions = [read_comparison(store().folder(line.run)) for line in lines]
    ids = (wanted or choose_pictures(predictions[0]))[:_MOST_PICTURES]
    shown: list[Attributions] = []
    for line in lines:
        maps, _ = measured_as(
            read_attributions,
            "attributions",
            "Asking every classifier; photos take a while …",
            request=AttributionRequest.parse(line.run, ids, algorithm),
        )
        shown.append(maps)
    words = [_taken_for(one, predictions) for one in ids]
    st.html(run_maps_html(shown, ["before", *titles(lines)], words))
    st.caption(
        "Each picture in every classifier, on one scale; under each map what it is taken for. "
        f"{algorithm_entry(algorithm).reading}"
    )


def _taken_for(picture: int, predictions: list[Comparison]) -> list[str]:
    """Return what a picture was taken for before, and what in every run, with how sure each is."""
    words = []
    for number, one in enumerate(predictions):
        place = int(((one.image_set == 0) & (one.ids == picture)).argmax())
        if number == 0:
            words.append(f"{one.short_name(one.before[place])} {100 * one.before_top[place]:.0f} %")
        words.append(f"{one.short_name(one.after[place])} {100 * one.after_top[place]:.0f} %")
    return words


page()
