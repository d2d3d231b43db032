"""What classifiers say of pictures that they were not trained on, where there are such classifiers."""

from pathlib import Path

import streamlit as st

from pages.shared.errors import show_error
from pages.shared.words import percent
from unlearn_core.artifacts.never_seen import NeverSeen, find_never_seen, read_never_seen
from unlearn_core.common.counted import counted
from unlearn_core.errors import UserError


def known_never_seen(classifier: str, images: str) -> NeverSeen | None:
    """Return what is known for a classifier and an image set, or None; show that a file is damaged."""
    try:
        return find_never_seen(classifier, images, lambda path: _read(str(path), path.stat().st_mtime_ns))
    except UserError as error:
        show_error(error)
        return None


@st.cache_resource(show_spinner=False, max_entries=8)
def _read(path: str, changed: int) -> NeverSeen:
    """Read the file again once its time of change, in nanoseconds, is another one."""
    return read_never_seen(Path(path))


def recognised_unseen(part: NeverSeen) -> str:
    """Return a sentence on how many of a few pictures are recognised by classifiers that never saw them."""
    asked, n = part.logits.shape[:2]
    if n == 1:
        right = round(asked * part.recognised()[0])
        return (
            f"If never trained on: {right} of {counted(asked, 'classifier')} trained without this picture "
            f"recognise{'s' if right == asked == 1 else ''} it."
        )
    return (
        f"If never trained on: classifiers trained without these {counted(n)} recognise "
        f"{percent(100 * part.recognised().mean())}% of them ({counted(asked, 'classifier')} for each "
        "picture)."
    )
