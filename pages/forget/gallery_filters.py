"""Filters and order of the gallery, and quick picks."""

from collections.abc import Collection

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from streamlit.delta_generator import DeltaGenerator

from pages.forget.gallery import PAGE
from pages.forget.image_map import features_of
from pages.shared import selection
from pages.shared.errors import show_error
from pages.shared.image_tables import forget_table
from unlearn_core.artifacts.image_table import ImageTable
from unlearn_core.artifacts.never_seen import NeverSeen
from unlearn_core.catalog.class_names import class_choices
from unlearn_core.catalog.picks import Pick
from unlearn_core.errors import UserError

_SORTS = {
    "mixed": "mixed",
    "id": "by id",
    "hardest": "hardest first",
    "confident": "most confident",
    "memorisation": "most memorised",
    "odd_label": "suspect label first",
    "alike": "similar to the picked",
}
_SORTS_HELP = (
    "**Most memorised**: recognised, but not by classifiers that never saw the picture; an estimate where "
    "there are none: recognised although similar pictures have other labels. "
    "**Suspect label**: the classifier and the most similar pictures contradict the label. "
    "**Similar to the picked**: by the classifier's features."
)
_QUICK_PICKS = {
    "random": "Random pictures that pass the filters and are recognised; press again for others.",
    "hardest": "The recognised pictures with the highest loss.",
    "memorised": "Recognised by this classifier, but least of all by classifiers that never saw them.",
    "first": "The first pictures in the order above.",
}
_NEED_FEATURES = ("memorisation", "odd_label", "alike")
_SURE = 0.6
"""Confidence from which a picture without a label of its own is shown in front."""
_PICK_ERROR = "pick_error"
_DRAWS = "draws"


def filter_bar(
    classifier: str,
    images: str,
    table: ImageTable,
    never_seen: NeverSeen | None,
    forgotten: Collection[int] = (),
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Show the filters; `never_seen` gives the order by memorisation, where there is one.

    Pictures with an id in `forgotten` do not pass.

    Returns:
        The positions of the training pictures that pass, in the chosen order, and those shown at once, at
        most `PAGE`.
    """
    # In a narrow window the filters are folded until this is on; elsewhere it is not seen (layout.css).
    st.toggle("Filters", key="show_filters", persist_state="session")
    with st.container(key="filters"):
        classes, confidence, order, part = st.columns(4, vertical_alignment="bottom")
    with classes:
        wanted = _wanted_classes(table)
    with confidence:
        low, high = st.slider(
            "Confidence",
            0,
            100,
            (0, 100),
            format="%d%%",
            key="confidence",
            persist_state="session",
            help="Predicted probability of the picture's label.",
        )
    with order:
        sort = st.selectbox(
            "Order",
            list(_SORTS),
            format_func=_SORTS.__getitem__,
            key="sort",
            persist_state="session",
            help=_SORTS_HELP,
        )
    percent = 100 * table.confidences
    passes = ~table.is_test & ~np.isin(table.ids, list(forgotten)) & (percent >= low) & (percent <= high)
    if wanted:
        passes &= np.isin(table.labels, wanted)
    needed = sort in _NEED_FEATURES
    score = _score(table, sort, classifier, images, never_seen) if needed else None
    positions = _quick_picks_first(table, _sorted(table, np.flatnonzero(passes), sort, score))
    with part:
        return positions, _one_page(positions)


def _wanted_classes(table: ImageTable) -> list[int]:
    """Let the person choose classes; none are all."""
    return st.multiselect(
        "Classes",
        sorted(set(table.labels[~table.is_test].tolist())),
        format_func=class_choices(table.class_names).__getitem__,
        placeholder="all classes",
        key="classes",
        persist_state="session",
    )


def quick_picks(
    table: ImageTable, positions: NDArray[np.intp], never_seen: NeverSeen | None
) -> DeltaGenerator:
    """Show one-click picks among the pictures at `positions`; return the bar, for further widgets.

    The most memorised can be picked where `never_seen` tells which they are.
    """
    bar = st.container(horizontal=True, vertical_alignment="center", gap="xsmall")
    with bar:
        st.number_input(
            "How many",
            1,
            4096,
            16,
            key="quick_count",
            persist_state="session",
            label_visibility="collapsed",
            width=88,
        )
        for kind, words in _QUICK_PICKS.items():
            if kind == "memorised" and never_seen is None:
                continue
            st.button(
                kind,
                key=f"quick_{kind}",
                help=words,
                on_click=_pick,
                args=(table, positions, kind, never_seen),
            )
        choices = class_choices(table.class_names)
        present = [choices[label] for label in sorted(set(table.labels[positions].tolist()))]
        name = st.selectbox(
            "Class",
            present,
            index=None,
            placeholder="of class …",
            key="quick_class",
            label_visibility="collapsed",
            width=112,
        )
        if name is not None:
            st.button(
                "pick", key="quick_of_class", on_click=_pick, args=(table, positions, f"class:{name}", None)
            )
    error = st.session_state.pop(_PICK_ERROR, None)
    if error is not None:
        show_error(error)
    return bar


def _one_page(positions: NDArray[np.intp]) -> NDArray[np.intp]:
    starts = range(0, max(1, len(positions)), PAGE)
    if len(starts) == 1:
        st.caption(f"{len(positions):,} shown")
        return positions
    start = st.selectbox(
        f"Shown of {len(positions):,}",
        list(starts),
        format_func=lambda first: f"{min(first + 1, len(positions)):,}–{min(first + PAGE, len(positions)):,}",
        key=f"part_of_{len(positions)}",
    )
    return positions[start:][:PAGE]


def _sorted(
    table: ImageTable, positions: NDArray[np.intp], sort: str, score: NDArray[np.float32] | None
) -> NDArray[np.intp]:
    if score is not None:
        return positions[np.argsort(-score[positions], kind="stable")]
    keys: dict[str, NDArray[np.generic]] = {
        "mixed": mixed_order(table),
        "id": table.ids,
        "hardest": -table.losses,
        "confident": -table.confidences,
    }
    return positions[np.argsort(keys[sort][positions], kind="stable")]


def mixed_order(table: ImageTable) -> NDArray[np.generic]:
    """Return a key for the same order each time; by id the first thousand may all be of one class.

    Pictures without labels stand by id, those that the classifier is sure of before those that only confuse.
    """
    if table.labelled.any():
        return np.random.default_rng(0).permutation(len(table.ids))
    return table.top_confidences < _SURE


def _score(
    table: ImageTable, sort: str, classifier: str, images: str, never_seen: NeverSeen | None
) -> NDArray[np.float32]:
    """Return the score to sort by, (n,): of the map, or the similarity to the most similar picked picture."""
    if sort == "memorisation" and never_seen is not None:
        return never_seen.memorisation(table.ids, table.confidences)
    seen = features_of(classifier, images)
    if not np.array_equal(seen["ids"], table.ids):
        forget_table(classifier, images)
        st.rerun()
    if sort != "alike":
        return seen[sort]
    picked = np.isin(table.ids, selection.picked())
    if not picked.any():
        return np.zeros(len(table.ids), np.float32)
    unit = seen["features"].astype(np.float32)
    return (unit @ unit[picked].T).max(1)


def _quick_picks_first(table: ImageTable, positions: NDArray[np.intp]) -> NDArray[np.intp]:
    """Move the last quick pick to the front, so that it is seen. Clicks move nothing."""
    picked = np.isin(table.ids[positions], selection.sent()["ids"])
    return np.concatenate([positions[picked], positions[~picked]])


def _pick(table: ImageTable, positions: NDArray[np.intp], kind: str, never_seen: NeverSeen | None) -> None:
    """Resolve a pick among `positions`; each random pick draws other pictures.

    The count is read here, so that a number entered just before the click is used.
    """
    if kind == "first":
        selection.pick(table.ids[positions[: st.session_state["quick_count"]]].tolist())
        return
    text = f"{kind}:{st.session_state['quick_count']}"
    by_id = np.sort(positions)
    known = table.predictions[by_id] == table.labels[by_id]
    if kind == "hardest" and known.any():
        # What is not recognised has the highest loss, and nothing that could be forgotten.
        by_id = by_id[known]
    ids = table.ids[by_id]
    memorisation = None
    if kind == "memorised" and never_seen is not None:
        memorisation = never_seen.memorisation(ids, table.confidences[by_id])
    # The example shows what comes of the draw with the seed alone.
    draws = st.session_state.get(_DRAWS, 1)
    st.session_state[_DRAWS] = draws + text.startswith(("random", "class"))
    try:
        chosen = Pick.parse(text).resolve(
            ids,
            table.labels[by_id],
            table.losses[by_id],
            tuple(table.class_names),
            seed=st.session_state.get("seed", 0) + draws,
            memorisation=memorisation,
            recognised=table.predictions[by_id] == table.labels[by_id],
        )
    except UserError as error:
        st.session_state[_PICK_ERROR] = error
    else:
        selection.pick(chosen)
