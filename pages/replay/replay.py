"""Replay: a run step by step, and weight interpolation between its two classifiers."""

from collections.abc import Callable
from io import BytesIO

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.replay.interpolation_figure import interpolation_figure
from pages.replay.parts import Parts
from pages.replay.replay_figure import replay_figure
from pages.shared.app_state import engine, open_run, store
from pages.shared.errors import show_error
from pages.shared.explained_words import NO_ALGORITHM, baseline_words, film_words, target_of
from pages.shared.followed_pictures import choose_followed
from pages.shared.links import FORGET
from pages.shared.measurements import Arrays, measured
from pages.shared.palette import CONFIG
from pages.shared.picture_choice import choose_pictures
from pages.shared.run_picker import finished_run
from pages.shared.thumbnails import Captioned, show_pictures
from pages.shared.visitor import visitor
from pages.shared.words import plain
from unlearn_core.artifacts.predictions import Comparison, read_comparison
from unlearn_core.engine.looks import FrameRequest, InterpolationRequest, PointRequest, ReplayRequest
from unlearn_core.errors import UserError
from unlearn_core.measuring.attribution.registry import algorithm_entry, offered
from unlearn_core.measuring.attribution.request import AttributionRequest
from unlearn_core.store.rows import Run

_VIEWS = {"film": "Film", "dial": "Dial"}
_FRAME = ("steps", "classes", "tops", "maps", "places")
_POINT = ("strengths", "forget", "retain", "test", "classes", "tops")
_MOST_PICTURES = 8
"""As many as a film can have."""


def page() -> None:
    """Draw the film of a run, or the dial that interpolates its weights."""
    run = finished_run()
    if run is None:
        return
    try:
        comparison = read_comparison(store().folder(run.id))
        bar = st.columns([2, 3, 3, 5], vertical_alignment="bottom", gap="medium")
        with bar[0]:
            view = st.segmented_control(
                "View",
                list(_VIEWS),
                format_func=_VIEWS.__getitem__,
                default="film",
                required=True,
                key="view",
                bind="query-params",
                help="The film shows the run step by step; the dial interpolates its weights.",
            )
        if view == "dial":
            _dial(run, comparison)
        else:
            _film(run, comparison, bar[1:])
    except UserError as error:
        show_error(error)


def _film(run: Run, comparison: Comparison, bar: list[DeltaGenerator]) -> None:
    first, second, third = bar
    quick = [entry.name for entry in offered(run.parsed_request().classifier) if entry.is_quick]
    if not quick:
        st.info(NO_ALGORITHM)
        return
    # Signed, and the quickest of them; without it the gradient.
    usual = next((name for name in ("deeplift", "saliency") if name in quick), quick[0])
    algorithm = first.selectbox(
        "Maps",
        quick,
        index=quick.index(usual),
        format_func=lambda name: algorithm_entry(name).title,
        key="maps",
        bind="query-params",
        help="Maps of all pictures at every snapshot, by an algorithm that is quick enough for that.",
    )
    ids = choose_followed(second, run, comparison, _MOST_PICTURES) or choose_pictures(comparison, forgotten=3)
    request = AttributionRequest.parse(run.id, ids, algorithm, target_of(algorithm))
    ends, _ = measured(ReplayRequest(request), "Measuring the start and the end …")
    frames = Parts(request, lambda step: FrameRequest(request, int(step)), _FRAME, "frames")
    with third:
        step = _step(ends["all_steps"].tolist())
    film = frames.with_known(ends)
    if step not in film["steps"]:
        with st.spinner(f"Measuring step {step} …"):
            frames.make(step)
        film = frames.with_known(ends)
    chosen = film["steps"].tolist().index(step)
    result = run.parsed_result()
    frontier = () if result is None else result.frontier
    relabel = run.parsed_request().goal == "relabel"
    figure = replay_figure(film, store().steps(run.id), comparison.class_names, chosen, frontier, relabel)
    st.plotly_chart(figure, config=CONFIG, key="replay_figure")
    progress = st.empty()
    if (strength := run.parsed_request().strength) != 1:
        st.caption(f"The film goes the whole way; this run keeps {100 * strength:.0f}% of the change.")
    st.caption(
        "Above: accuracy, and the pictures in the plane of features (magenta: to forget; others: by class). "
        "Below: each picture with its prediction at this step (bold: not its label) and its map, on one "
        f"scale for the whole film. {plain(film_words(comparison, film['targets'], film['against']))} "
        f"{algorithm_entry(algorithm).reading} {baseline_words(request, film['inputs'].shape[-1])}"
    )
    st.download_button("Film (.npz)", _film_file(film), f"replay-{run.id}.npz", icon=":material/download:")
    frames.make_all(frames.missing(film, step), film, progress, "▶ plays those measured so far")


def _film_file(film: Arrays) -> Callable[[], bytes]:
    """Return what makes the file to download, when it is asked for."""

    def packed() -> bytes:
        file = BytesIO()
        np.savez_compressed(file, **dict(film))  # type: ignore[arg-type]
        return file.getvalue()

    return packed


def _step(steps: list[int]) -> int:
    """Let the person choose a step; it is part of the URL."""
    if len(steps) == 1:
        st.caption("The run took no steps: there is only the start.")
        return steps[0]
    return st.select_slider("Go to step", steps, value=steps[-1], key="step", bind="query-params")


def _dial(run: Run, comparison: Comparison) -> None:
    whole = InterpolationRequest(run.id)
    line, _ = measured(whole, "Measuring the weights before and after …")
    points = Parts(whole, lambda strength: PointRequest(run.id, strength), _POINT, "points")
    left, right = st.columns([7, 6], gap="large")
    with left:
        percent = st.slider("Weight interpolation", 0, 150, 100, 5, "%d%%", key="far", bind="query-params")
        at = _nearest(line["all_strengths"], percent / 100)
        line = points.with_known(line)
        if at not in line["strengths"]:
            with st.spinner(f"Measuring {100 * at:.0f}% …"):
                points.make(at)
            line = points.with_known(line)
        st.plotly_chart(interpolation_figure(line, percent / 100), config=CONFIG, key="dial_figure")
        progress = st.empty()
        st.caption(
            "Every weight changes by this share of its change in the run: 0% is the classifier before, "
            "100% the one after; above that the change continues in the same direction."
        )
    with right:
        chosen = line["strengths"].tolist().index(at)
        _pictures_at(
            line["inputs"], line["classes"][chosen], line["tops"][chosen], line["labels"], comparison
        )
        _keep(run, percent)
    points.make_all(points.next_finer(line), line, progress, "the curves go through those measured so far")


def _nearest(strengths: np.ndarray, strength: float) -> float:
    return float(strengths[np.abs(strengths - strength).argmin()])


def _pictures_at(
    inputs: np.ndarray, classes: np.ndarray, tops: np.ndarray, labels: np.ndarray, comparison: Comparison
) -> None:
    known = int((classes == labels).sum())
    st.markdown(f"##### {known} of {len(labels)} pictures recognised at this point")
    with st.container(height=300, border=False):
        show_pictures(
            [
                Captioned(picture, comparison.short_name(int(one)), f"{100 * top:.0f}%")
                for picture, one, top in zip(inputs, classes, tops, strict=True)
            ]
        )


def _keep(run: Run, percent: int) -> None:
    request = run.parsed_request()
    pressed = st.button(
        "Keep as a run",
        key="keep",
        icon=":material/bookmark_add:",
        disabled=percent == 100 or request.strength != 1,
        help="Creates a run with the classifier at this point, measured like any other. Nothing is forgotten "
        "again: it takes seconds.",
    )
    if pressed:
        try:
            changes = {"strength": percent / 100}
            run_id = engine().keep(run.id, changes, f"{run.name} · {percent}%"[:80], visitor())
        except UserError as error:
            show_error(error)
            return
        open_run(run_id)
        st.switch_page(FORGET.file, query_params={"run": run_id})


page()
