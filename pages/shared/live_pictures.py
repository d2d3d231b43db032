"""The pictures to forget while they are being forgotten: what each is taken for, and how surely."""

from collections.abc import Sequence
from html import escape

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from pages.shared.app_state import store
from pages.shared.errors import show_error
from pages.shared.glossary import explained
from pages.shared.image_tables import known_table
from pages.shared.thumbnails import png_uri
from unlearn_core.artifacts.image_table import ImageTable
from unlearn_core.artifacts.look_alikes import read_look_alikes
from unlearn_core.artifacts.steps import StepRecord
from unlearn_core.catalog.class_names import short_class_names
from unlearn_core.catalog.picks import Pick
from unlearn_core.errors import UserError
from unlearn_core.store.rows import Run

_MOST = 24
# The ring is as strong as the confidence in the label: it fades while a picture is being forgotten.
_STYLE = """
<style>
.live { display: flex; flex-wrap: wrap; gap: 6px; }
.live figure { margin: 0; width: 68px; text-align: center; font-size: 12.5px; line-height: 1.2; }
.live img { width: 40px; height: 40px; border-radius: 50%; image-rendering: pixelated; object-fit: cover;
  border: 4px solid rgb(204 42 135 / var(--ring)); padding: 1px; transition: border-color 0.4s; }
.live.alike img { border: 0; border-radius: 6px; width: 32px; height: 32px; padding: 0; }
.live.alike figure { width: 32px; }
.live figcaption { overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
</style>
"""


def ids_of(run: Run) -> list[int]:
    """Return the ids that a run forgets; before it has a result, only those that its pick names."""
    result = run.parsed_result()
    if result is not None:
        return list(result.ids)
    return list(Pick.parse(run.parsed_request().pick).ids)


def live_pictures(run: Run, steps: Sequence[StepRecord]) -> None:
    """Show the pictures to forget with their predictions after the last step.

    Nothing is shown where this tab has not loaded the image set, or where the pick does not name pictures.
    """
    request = run.parsed_request()
    known, ids = known_table(request.classifier, request.images), ids_of(run)
    if known is None or not ids:
        return
    last = next((step for step in reversed(steps) if step.predictions), None)
    if last is not None:
        st.html(live_pictures_html(known[0], ids, last))
        shown, k = min(_MOST, len(last.predictions)), last.k
        first = f"The first {shown} of {k}. " if shown < k else ""
        st.caption(
            f"{first}Below each picture: its label, what it is taken for now, and how surely. The magenta "
            "ring fades as the confidence in its label falls.",
            help=explained("recognise"),
        )


def live_pictures_html(table: ImageTable, ids: Sequence[int], step: StepRecord) -> str:
    """Return the pictures with these ids as HTML; `step` has their predictions, in the same order."""
    rows = {int(one): place for place, one in enumerate(table.ids)}
    names, figures = short_class_names(table.class_names), []
    for one, label, sure, own in zip(
        ids[:_MOST], step.predictions, step.confidences, step.label_confidences, strict=False
    ):
        if one not in rows:
            continue
        place = rows[one]
        name, was = names[label], names[table.labels[place]]
        alternative = escape(f"picture {one}, a {was}, taken for {name}, {100 * sure:.0f}%")
        ring = f"--ring: {own:.2f}"
        figures.append(
            f'<figure><img src="{png_uri(table.thumbnails[place])}" alt="{alternative}" style="{ring}">'
            f"<figcaption>{_from(was, name)}<b>{escape(name)}</b> {100 * sure:.0f}%</figcaption></figure>"
        )
    return f'{_STYLE}<div class="live">{"".join(figures)}</div>'


def _from(label: str, predicted: str) -> str:
    return "" if predicted == label else f"{escape(label)} → "


def look_alikes(run: Run) -> None:
    """Show some of the look-alikes as soon as they are made."""
    try:
        pictures = read_look_alikes(store().folder(run.id))
    except UserError as error:
        show_error(error)
        return
    if pictures is not None:
        show_look_alikes(pictures, "Some of the look-alikes")


def show_look_alikes(pictures: NDArray[np.uint8], some: str) -> None:
    """Show pictures, uint8 (n, s, s, c), with a sentence that begins with `some`: which they are."""
    st.caption(
        f"{some}, made from the pictures to forget. The method never sees the kept pictures; instead it "
        "keeps what the classifier predicts for these.",
        help=explained("look-alike"),
    )
    figures = (f'<figure><img src="{png_uri(np.asarray(one))}" alt=""></figure>' for one in pictures)
    st.html(f'{_STYLE}<div class="live alike">{"".join(figures)}</div>')
