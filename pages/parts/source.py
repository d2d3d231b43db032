"""Which classifier, and which pictures it looks at."""

import streamlit as st

from pages.parts import selection
from unlearn_core.catalog.entries import CLASSIFIERS, FOLDER_PREFIX, IMAGE_SETS, classifier_entry
from unlearn_core.runs.store import Run

FOLDER = "folder"
_TITLES = {entry.name: entry.title for entry in IMAGE_SETS} | {FOLDER: "A folder of mine …"}
_ADOPTED = "adopted_run"


def choose_source() -> tuple[str, str | None]:
    """Let the person choose; return the names of the classifier and of the image set.

    The image set is None while it is a folder that is not named yet. Both stand in the URL.
    """
    left, right = st.columns(2)
    with left:
        classifier = st.selectbox(
            "Classifier",
            [entry.name for entry in CLASSIFIERS],
            format_func=lambda name: classifier_entry(name).title,
            key="classifier",
            bind="query-params",
            help=" ".join(f"**{entry.title}**: {entry.summary}" for entry in CLASSIFIERS),
        )
    fitting = [entry.name for entry in IMAGE_SETS if classifier in entry.fits]
    with right:
        images = st.selectbox(
            "Pictures",
            [*fitting, FOLDER],
            format_func=_TITLES.__getitem__,
            key="images",
            bind="query-params",
            help=" ".join(f"**{entry.title}**: {entry.summary}" for entry in IMAGE_SETS),
        )
    chosen = _choose_folder() if images == FOLDER else images
    selection.pick_from(classifier, chosen or FOLDER)
    return classifier, chosen


def adopt(run: Run) -> None:
    """On the first look at a run's link, show what it was made from: its classifier, pictures and pick."""
    if st.session_state.get(_ADOPTED) == run.id or selection.picked():
        return
    st.session_state[_ADOPTED] = run.id
    request = run.parsed_request()
    st.session_state["classifier"] = request.classifier
    if request.images.startswith(FOLDER_PREFIX):
        st.session_state["images"] = FOLDER
        st.session_state["path"] = request.images.removeprefix(FOLDER_PREFIX)
    else:
        st.session_state["images"] = request.images
    selection.pick_from(request.classifier, request.images)
    selection.pick(ids_of(run))


def ids_of(run: Run) -> list[int]:
    """Return the ids that a run forgets, as far as they are known before it ran."""
    result = run.parsed_result()
    if result is not None:
        return list(result["ids"])
    kind, _, rest = run.parsed_request().pick.partition(":")
    return [int(one) for one in rest.split(",")] if kind == "ids" else []


def _choose_folder() -> str | None:
    path = st.text_input(
        "Folder",
        key="path",
        bind="query-params",
        placeholder="/home/me/pictures",
        help="Pictures in one folder for each class, with or without train/ and test/ above them; or a .zip "
        "of that. Class names that the classifier knows give accuracy, others agreement.",
    ).strip()
    if not path:
        st.info("Type the path of a folder, on the machine that runs this app, with a folder for each class.")
        return None
    return FOLDER_PREFIX + path
