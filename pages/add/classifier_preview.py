"""The preview of a classifier: its properties and its predictions on a few pictures."""

import io
from collections.abc import Sequence
from html import escape

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from pages.shared.thumbnails import png_uri
from pages.shared.words import plain
from unlearn_core.catalog.class_names import short_class_name
from unlearn_core.catalog.records.classifier_record import CustomClassifier

_STYLE = """
<style>
.previews { display: grid; grid-template-columns: repeat(auto-fill, minmax(270px, 1fr)); gap: 14px; }
.previews figure { margin: 0; display: grid; grid-template-columns: 84px 1fr; gap: 10px; }
.previews img { width: 84px; height: 84px; border-radius: 6px; image-rendering: pixelated; }
.previews small { opacity: 0.7; }
.previews .bar { position: relative; display: flex; gap: 6px; font-size: 12.5px; line-height: 1.35;
  padding: 1px 4px; justify-content: space-between; }
.previews .bar span { position: absolute; inset: 1px auto 1px 0; border-radius: 3px; opacity: 0.28;
  background: #0E9384; }
.previews .bar b { font-weight: 400; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.previews .bar:first-child b { font-weight: 600; }
.previews .bar i { font-style: normal; opacity: 0.7; }
</style>
"""


def preview(content: bytes) -> CustomClassifier:
    """Draw the checks and the pictures with their most likely classes; return the classifier's record.

    Args:
        content: of the file that `unlearn_core.measuring.classifier_preview` wrote.
    """
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        found = {name: arrays[name] for name in arrays.files}
    record = CustomClassifier.model_validate_json(str(found["record"]))
    classes, size = len(record.class_names), record.input_size
    channels = {1: "grey", 3: "colour"}.get(record.channels, f"{record.channels} channels")
    for check in (
        f"Built as `{record.architecture}`, {record.parameters / 1e6:.1f} million parameters",
        f"Weights: {record.weights}; every tensor fits and is finite",
        f"Takes {channels} pictures of {size} × {size}, mean {_list(record.mean)}, "
        f"standard deviation {_list(record.std)}",
        f"Has {classes:,} classes: {plain(_few(record.class_names))}",
    ):
        st.markdown(f":green[:material/check:] {check}")
    if record.findings:
        # As HTML: names in a stranger's file may be Markdown.
        lines = "".join(f"<li>{escape(finding)}</li>" for finding in record.findings)
        st.html(f'<ul class="findings">{lines}</ul>')
    pictures = zip(found["thumbnails"], found["top"], found["shares"], found["labels"], strict=True)
    st.html(f'{_STYLE}<div class="previews">{"".join(_card(*one) for one in pictures)}</div>')
    return record


def _card(
    picture: NDArray[np.uint8], names: NDArray[np.str_], shares: NDArray[np.float32], label: str
) -> str:
    """Return a picture with its most likely classes as bars, the longest first."""
    bars = "".join(
        f'<div class="bar"><span style="width:{100 * share:.1f}%"></span>'
        f"<b>{escape(short_class_name(name))}</b><i>{100 * share:.0f}%</i></div>"
        for name, share in zip(names.tolist(), shares.tolist(), strict=True)
    )
    known = f"<small>label: {escape(short_class_name(label))}</small>" if label else ""
    words = escape(f"most likely {names[0]}")
    return f'<figure><div><img src="{png_uri(picture)}" alt="{words}">{known}</div><div>{bars}</div></figure>'


def _few(names: Sequence[str]) -> str:
    """Return the first names, each without its synonyms."""
    return " · ".join(short_class_name(name) for name in names[:4]) + (" …" if len(names) > 4 else "")


def _list(values: Sequence[float]) -> str:
    return ", ".join(f"{value:.3g}" for value in values)
