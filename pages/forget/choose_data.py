"""The choice of a classifier and an image set."""

import streamlit as st

from pages.shared import selection
from pages.shared.choices import distinct_titles
from pages.shared.live_pictures import ids_of
from pages.shared.visitor import may_see, photos_of_visitor
from unlearn_core.catalog.entries import ClassifierEntry, classifiers, fitting_image_sets
from unlearn_core.catalog.sources.base import ImageSetEntry
from unlearn_core.catalog.sources.registry import CSV_PREFIX, FOLDER_PREFIX, PHOTOS_PREFIX, UTKFACE_PREFIX
from unlearn_core.common.sharing import is_shared
from unlearn_core.errors import UserError
from unlearn_core.store.rows import Run

FOLDER = "folder"
_ADOPTED = "adopted_run"
_LINKED = "named_by_links"
_CHECKED = "link_checked"
_PATHS = (FOLDER_PREFIX, CSV_PREFIX, UTKFACE_PREFIX)


def choose_source() -> tuple[str, str | None]:
    """Let the person choose; return the names of the classifier and the image set.

    The image set is None while the path of a folder is missing. Both are part of the URL.
    """
    known = _known_classifiers()
    titles = distinct_titles(known.values())
    left, right = st.columns(2)
    with left:
        classifier = st.selectbox(
            "Classifier",
            list(known),
            format_func=titles.__getitem__,
            key="classifier",
            bind="query-params",
            help=" ".join(f"**{entry.title}**: {entry.summary}" for entry in known.values()),
        )
    fitting = _fitting_images(known[classifier])
    names = _titles_of_images(fitting)
    with right:
        images = st.selectbox(
            "Pictures",
            list(names),
            format_func=names.__getitem__,
            key="images",
            bind="query-params",
            help=" ".join(f"**{entry.title}**: {entry.summary}" for entry in fitting),
        )
    chosen = _choose_folder() if images == FOLDER else images
    if chosen == "photos":
        chosen = photos_of_visitor()
    selection.pick_from(classifier, chosen or FOLDER)
    return classifier, chosen


def check_link() -> None:
    """Raise `UserError` if a link, when it is opened, names a classifier or pictures that are not here."""
    if _CHECKED in st.session_state:
        return
    st.session_state[_CHECKED] = True
    asked, known = st.query_params.get("classifier"), _known_classifiers()
    titles = distinct_titles(known.values())
    if asked not in (None, *titles, *titles.values()):
        raise UserError("The link names a classifier that is not here. The first one is chosen instead.")
    name = next((name for name, title in titles.items() if asked in (name, title)), next(iter(titles)))
    fitting = _titles_of_images(_fitting_images(known[name]))
    if st.query_params.get("images") not in (None, *fitting, *fitting.values()):
        raise UserError("The link names pictures that are not here. The first ones are chosen instead.")


def _known_classifiers() -> dict[str, ClassifierEntry]:
    linked = st.session_state.get(_LINKED, ())
    return {entry.name: entry for entry in classifiers() if may_see(entry.visitor) or entry.name in linked}


def _fitting_images(classifier: ClassifierEntry) -> list[ImageSetEntry]:
    linked = st.session_state.get(_LINKED, ())
    fitting = fitting_image_sets(classifier)
    return [entry for entry in fitting if may_see(entry.visitor) or entry.name in linked]


def _titles_of_images(fitting: list[ImageSetEntry]) -> dict[str, str]:
    linked = st.session_state.get(_LINKED, ())
    titles = distinct_titles(fitting)
    others = [name for name in linked if name.startswith(PHOTOS_PREFIX) and name != photos_of_visitor()]
    titles |= dict.fromkeys(others, "Photos of the link")
    return titles if is_shared() else {**titles, FOLDER: "A folder of mine …"}


def adopt(run: Run) -> None:
    """When a run's link is first opened, select its classifier, image set and pictures to forget."""
    if st.session_state.get(_ADOPTED) == run.id or selection.picked():
        return
    st.session_state[_ADOPTED] = run.id
    if select_data_of(run):
        selection.pick(ids_of(run))


def select_data_of(run: Run) -> bool:
    """Select the classifier and the image set of a run; return whether this visitor may see the latter."""
    request = run.parsed_request()
    # On a shared server a link may name what another visitor added.
    st.session_state[_LINKED] = (request.classifier, request.images)
    st.session_state["classifier"] = request.classifier
    if request.images.startswith(_PATHS) and is_shared():
        # A run from before the server was shared: its link shows the result, not the path of its pictures.
        return False
    if request.images.startswith(_PATHS):
        st.session_state["images"] = FOLDER
        st.session_state["path"] = request.images.removeprefix(FOLDER_PREFIX)
    elif request.images == photos_of_visitor():
        st.session_state["images"] = "photos"
    else:
        st.session_state["images"] = request.images
    selection.pick_from(request.classifier, request.images)
    return True


def _choose_folder() -> str | None:
    path = st.text_input(
        "Folder",
        key="path",
        bind="query-params",
        placeholder="/home/me/pictures",
        help="One folder of pictures per class, with or without train/ and test/ above; a .zip of that; or a "
        ".csv with the columns path and label, or path and a column of 0 and 1 for each class. Classes that "
        "match the classifier's give accuracy, others agreement. The page *Add* gives such a set a name.",
    ).strip(" \"'")
    if not path:
        st.info("Enter the path of a folder with one folder per class, on the machine that runs this app.")
        return None
    if path.startswith(_PATHS):
        return path
    return f"{CSV_PREFIX if path.lower().endswith('.csv') else FOLDER_PREFIX}{path}"
