"""Before / after: is it forgotten, at what cost, and which classes are affected?"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from pages.before_after.closer_look import closer_look, drift_of, nearest_first
from pages.shared.app_state import store
from pages.shared.clickable_pictures import Clickable, clickable_pictures
from pages.shared.errors import show_error
from pages.shared.few_kept import few_kept
from pages.shared.followed_pictures import follow_links, followed, toggle
from pages.shared.image_tables import known_table, place_of, table_of_run
from pages.shared.metric_cards import change_cards
from pages.shared.never_seen import known_never_seen
from pages.shared.outcome_words import outcome_sentences
from pages.shared.run_picker import finished_run
from pages.shared.thumbnails import Captioned, show_pictures
from pages.shared.words import plain
from unlearn_core.artifacts.never_seen import NeverSeen
from unlearn_core.artifacts.predictions import (
    FORGET,
    GROUP_NAMES,
    RETAIN,
    TEST,
    Comparison,
    read_comparison,
)
from unlearn_core.artifacts.results import COPIES
from unlearn_core.common.counted import counted
from unlearn_core.common.sharing import is_shared
from unlearn_core.errors import UserError
from unlearn_core.store.rows import Run

_MOST_PICTURES = 60
_MOST_CHANGED = 0.2
"""Of the kept pictures: with more changed ones it is not said which."""
_HEIGHT = 240


def page() -> None:
    """Draw the metric cards, the forgotten and flipped pictures, and detailed charts beside them."""
    run = finished_run()
    if run is None:
        return
    try:
        comparison = read_comparison(store().folder(run.id))
        request = run.parsed_request()
        known = known_never_seen(request.classifier, request.images)
        unseen = known and known.of(comparison.ids[comparison.in_group(FORGET)])
        st.markdown(conclusion(run, comparison))
        change_cards(comparison, unseen)
        few_kept(run, len(comparison.in_group(RETAIN)), len(comparison.flipped(RETAIN)))
        left, right = st.columns(2, gap="large")
        with right:
            clicked = closer_look(run, comparison, unseen)
        with left:
            if clicked is None:
                _pictures(run, comparison, unseen)
            else:
                _clicked(run, comparison, unseen, *clicked)
            follow_links(comparison, run)
        _download(run, comparison)
    except UserError as error:
        show_error(error)


def conclusion(run: Run, comparison: Comparison) -> str:
    """Return the outcome in words, and what the kept pictures that changed have in common."""
    result = run.parsed_result()
    said = ""
    if result is not None:
        copies = [remark for remark in result.remarks if remark.endswith(COPIES)]
        said = " ".join([*outcome_sentences(result, run.parsed_request().strength), *copies])
    changed = comparison.flipped(RETAIN)
    if not 0 < len(changed) < _MOST_CHANGED * len(comparison.in_group(RETAIN)):
        # Where most of them changed, it says nothing which.
        return said
    classes, counts = np.unique(comparison.labels[changed], return_counts=True)
    most = int(classes[counts.argmax()])
    alike = int((comparison.labels[comparison.in_group(FORGET)] == most).sum())
    name = plain(comparison.short_name(most))
    has = "has" if alike == 1 else "have"
    like = f"as {has} {alike} of the forgotten ones" if alike else "which none of the forgotten ones has"
    have = "has" if counts.max() == 1 else "have"
    return f"{said} {int(counts.max())} of the changed kept pictures {have} the label {name}, {like}."


def _pictures(run: Run, comparison: Comparison, unseen: NeverSeen | None) -> None:
    groups = {"Forgotten": FORGET, "Kept, changed": RETAIN, "Never seen, changed": TEST}
    shown = {
        name: comparison.in_group(group) if group == FORGET else comparison.flipped(group)
        for name, group in groups.items()
        if len(comparison.in_group(group))
    }
    nearest = st.toggle(
        "Sort by similarity to the forgotten pictures",
        key="nearest",
        bind="query-params",
        help="Cosine similarity of the features of the classifier before. Otherwise sorted by confidence.",
    )
    for tab, name in zip(
        st.tabs([f"{name} · {len(one):,}" for name, one in shown.items()]), shown, strict=True
    ):
        with tab:
            positions = shown[name]
            if nearest and name != "Forgotten":
                positions = nearest_first(positions, drift_of(run))
            _gallery(run, comparison, unseen, positions, name)


def _clicked(
    run: Run, comparison: Comparison, unseen: NeverSeen | None, group: int, old: int, new: int
) -> None:
    """Show the pictures of the dot that was clicked in the transitions."""
    inside = comparison.in_group(group)
    positions = inside[(comparison.before[inside] == old) & (comparison.after[inside] == new)]
    st.markdown(
        f"##### {plain(comparison.short_name(old))} → {plain(comparison.short_name(new))}: "
        f"{counted(len(positions))}"
    )
    _gallery(run, comparison, unseen, positions, "chosen")


def _gallery(
    run: Run, comparison: Comparison, unseen: NeverSeen | None, positions: NDArray[np.intp], name: str
) -> None:
    """Show pictures with their predictions; those of the run's own image set can be clicked."""
    if name == "Forgotten":
        said = (
            ""
            if unseen is None
            else " *Without*: of the classifiers trained without it, how many recognise it."
        )
        st.caption(f"Each picture with its prediction and confidence before and after. ✓: its label.{said}")
    elif name == "chosen":
        st.caption("The pictures of the clicked dot. Double-click the figure to see all again.")
    elif len(positions):
        st.caption("Pictures that were not to be forgotten but whose prediction changed. ✓: its label.")
    else:
        st.caption("No prediction changed here.")
    with st.spinner("Loading the pictures …"):
        captioned = _captioned(run, comparison, unseen, positions[:_MOST_PICTURES])
    own = comparison.image_set[positions[:_MOST_PICTURES]] == 0
    ids = comparison.ids[positions[:_MOST_PICTURES]].tolist()
    if own.all() and len(ids):
        shown = [Clickable(one, picture) for one, picture in zip(ids, captioned, strict=True)]
        chosen = followed(comparison)
        clicked = clickable_pictures(shown, chosen, f"pictures_{name}", _HEIGHT)
        if clicked is not None:
            toggle(chosen, clicked)
    else:
        show_pictures(captioned, _HEIGHT)
    if len(positions) > _MOST_PICTURES:
        more = len(positions) - _MOST_PICTURES
        st.caption(f"{more:,} more {'is' if more == 1 else 'are'} in the CSV below.")


def _captioned(
    run: Run, comparison: Comparison, unseen: NeverSeen | None, positions: NDArray[np.intp]
) -> Sequence[Captioned]:
    request = run.parsed_request()
    names = [request.images, request.measure_on]
    never = (
        {} if unseen is None else dict(zip(unseen.ids.tolist(), unseen.recognised().tolist(), strict=True))
    )
    found = []
    for position in positions:
        images = names[comparison.image_set[position]]
        assert images is not None
        table = table_of_run(run, images)
        place = place_of(table, int(comparison.ids[position]), images)
        old, new = comparison.before[position], comparison.after[position]
        tops = comparison.before_top[position], comparison.after_top[position]
        sure = f"{100 * tops[0]:.0f} → {100 * tops[1]:.0f}% sure"
        if unseen is not None and comparison.group[position] == FORGET:
            asked = len(unseen.logits)
            # No-break spaces: a line of its own.
            sure += f", without:\u00a0{asked * never[comparison.ids[position]]:.0f}\u00a0of\u00a0{asked}"
        label = comparison.labels[position]
        words = " → ".join(comparison.short_name(one) + " ✓" * int(one == label) for one in (old, new))
        if label not in (old, new):
            words = f"{comparison.short_name(label)}, predicted {words}"
        found.append(Captioned(table.thumbnails[place], words, sure))
    return found


def _files(run: Run, comparison: Comparison) -> list[str]:
    """Return the names of the files, where they are known and one's own; else empty texts."""
    request = run.parsed_request()
    known = None if is_shared() else known_table(request.classifier, request.images)
    if known is None:
        return [""] * len(comparison.ids)
    by_id = dict(zip(known[0].ids.tolist(), known[0].files, strict=False))
    pairs = zip(comparison.ids.tolist(), comparison.image_set.tolist(), strict=True)
    return [by_id.get(one, "") if image_set == 0 else "" for one, image_set in pairs]


def _download(run: Run, comparison: Comparison) -> None:
    names, files = np.array(comparison.class_names), _files(run, comparison)
    table = pd.DataFrame(
        {
            "id": comparison.ids,
            **({"file": files} if any(files) else {}),
            "group": np.array(GROUP_NAMES)[comparison.group],
            "label": names[comparison.labels],
            "own_label": comparison.labelled,
            "before": names[comparison.before],
            "after": names[comparison.after],
            "before_confidence": comparison.before_top,
            "after_confidence": comparison.after_top,
        }
    )
    st.download_button(
        "All predictions as CSV",
        table.to_csv(index=False),
        f"predictions-{run.id}.csv",
        "text/csv",
        icon=":material/download:",
    )


page()
