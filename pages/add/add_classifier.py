"""Adding a classifier: its source, its settings and a preview; then it enters the catalog."""

from pathlib import Path
from typing import Any

import streamlit as st

from pages.add.classifier_preview import preview
from pages.add.forget_added import forget_button
from pages.add.keep_upload import keep_upload
from pages.shared.app_state import engine
from pages.shared.choices import distinct_titles
from pages.shared.errors import show_error
from pages.shared.visitor import may_see, visitor
from unlearn_core.catalog.records.classifier_record import (
    FILE_ENDINGS,
    ClassifierSpecification,
    CustomClassifier,
    default_name,
)
from unlearn_core.catalog.sources.registry import image_sets
from unlearn_core.catalog.untrusted.uploads import most_bytes, remove_upload
from unlearn_core.common.sharing import is_shared
from unlearn_core.engine.additions import AddClassifierRequest, ArchitecturesRequest, TryClassifierRequest
from unlearn_core.errors import UserError

_WAYS = {
    "torchvision": "torchvision",
    "timm": "timm",
    "file": "A checkpoint file",
    "function": "A Python function",
}
_TRY, _NUMBER, _UPLOADED, _ADDED = "tried_classifier", "try_number", "uploaded_checkpoint", "added_classifier"
_ASKED = "asked_of_classifier"


def add_classifier() -> None:
    """Draw the form on the left and its preview on the right."""
    if name := st.session_state.pop(_ADDED, None):
        st.success(f"**{name}** is in the catalog.", icon=":material/check_circle:")
        forget_button("Forget something with it", name)
    left, right = st.columns([5, 7], gap="large")
    with left:
        st.markdown("##### 1 · Source")
        source = _source()
        given = _settings()
        images = _preview_images()
        pressed = st.button(
            "Try it",
            key="try",
            type="primary",
            icon=":material/play_arrow:",
            width="stretch",
            disabled=source is None,
        )
    with right:
        st.markdown("##### 2 · Its predictions on known pictures")
        if pressed and source is not None:
            _try({**source, **given}, images)
            st.session_state[_ASKED] = (source, given, images)
        _result(is_current=st.session_state.get(_ASKED) == (source, given, images))


def _source() -> dict[str, Any] | None:
    """Return source and architecture, None while either is missing."""
    ways = [way for way in _WAYS if not (is_shared() and way == "function")]
    way = st.segmented_control(
        "From",
        ways,
        default="torchvision",
        format_func=_WAYS.__getitem__,
        required=True,
        key="add_from",
        bind="query-params",
    )
    if way == "file":
        return _file()
    if way == "function":
        name = st.text_input(
            "Function",
            key="add_function",
            persist_state="session",
            placeholder="my_package.models:my_network",
            help="A function without arguments that returns a torch module. A worker of this app calls it, "
            "so it must be importable from where the app was started.",
        ).strip()
        return {"source": name} if name else None
    known = _architectures()
    hub = way == "timm" and not is_shared()
    network = st.selectbox(
        "Network",
        known[str(way)],
        index=None,
        placeholder="Choose one, such as resnet50",
        key=f"add_{way}",
        accept_new_options=hub,
        help="timm also takes a Hugging Face hub id: hf-hub:OWNER/NAME." if hub else None,
    )
    random = st.segmented_control(
        "Weights",
        ["pre-trained", "untrained"],
        default="pre-trained",
        required=True,
        key="add_weights",
        help="Pre-trained weights are downloaded once. Untrained weights are random: for experiments.",
    )
    return {"source": f"{way}:{network}{':random' if random == 'untrained' else ''}"} if network else None


def _file() -> dict[str, Any] | None:
    known = _architectures()
    uploaded = st.file_uploader(
        "Checkpoint",
        [ending[1:] for ending in FILE_ENDINGS],
        key="add_file",
        max_upload_size=most_bytes() // 2**20,
        help="A safetensors file, or a state_dict written by torch.save. Only tensors are read: code in a "
        "file is never run.",
    )
    path = (
        ""
        if is_shared()
        else st.text_input(
            "or its path on the machine that runs this app", key="add_path", persist_state="session"
        )
    )
    architecture = st.selectbox(
        "Network architecture of the checkpoint",
        [f"{kind}:{name}" for kind, names in known.items() for name in names],
        index=None,
        placeholder="Choose one, such as torchvision:resnet18",
        key="add_architecture",
    )
    where = _store_upload(uploaded) if uploaded is not None else path.strip(" \"'")
    if not where or architecture is None:
        return None
    name = default_name(f"file:{where if uploaded is None else uploaded.name}")
    return {"source": f"file:{where}", "architecture": architecture, "name": name}


def _store_upload(uploaded: Any) -> str | None:
    """Store an upload for the worker, once; return its path."""
    known = st.session_state.get(_UPLOADED)
    if known is None or known[0] != uploaded.file_id:
        _forget_upload()
        try:
            path = keep_upload(uploaded)
        except UserError as error:
            show_error(error)
            return None
        known = st.session_state[_UPLOADED] = (uploaded.file_id, str(path))
    return str(known[1])


def _forget_upload() -> None:
    """Remove the upload that this tab stored before: it is in the catalog by now, or not needed."""
    known = st.session_state.pop(_UPLOADED, None)
    if known is not None:
        remove_upload(Path(known[1]))


def _settings() -> dict[str, Any]:
    """Return the settings that the person enters; empty ones are inferred."""
    with st.expander("Input size, normalisation, class names"):
        st.caption("Empty fields are read from the weights where possible, else set to the usual values.")
        left, right = st.columns(2)
        size = left.number_input("Input size in pixels", 8, 1024, None, key="add_size")
        classes = right.number_input("Classes", 2, 100_000, None, key="add_classes")
        mean = left.text_input("Mean, per channel", key="add_mean", placeholder="0.485, 0.456, 0.406")
        std = right.text_input("Standard deviation", key="add_std", placeholder="0.229, 0.224, 0.225")
        arguments = (
            ""
            if is_shared()
            else st.text_input(
                "Arguments of the network's constructor",
                key="add_arguments",
                placeholder='{"act_layer": "gelu"}',
                help="A JSON object, for what the weights do not tell.",
            )
        )
        names = st.text_area(
            "Class names, one per line, in the order of the logits", key="add_names", height=90
        )
    given: dict[str, Any] = {"input_size": size, "classes": classes}
    if arguments.strip():
        given["arguments"] = arguments
    if names.strip():
        given["class_names"] = names
    for key, text in (("mean", mean), ("std", std)):
        if text.strip():
            given[key] = text.split(",")
    return given


def _preview_images() -> str:
    known = distinct_titles(entry for entry in image_sets() if may_see(entry.visitor))
    return st.selectbox(
        "Pictures for the preview",
        list(known),
        index=list(known).index("photos"),
        format_func=known.__getitem__,
        key="add_look",
    )


def _try(specification: dict[str, Any], images: str) -> None:
    st.session_state.pop(_TRY, None)
    number = st.session_state[_NUMBER] = st.session_state.get(_NUMBER, 0) + 1
    try:
        parsed = ClassifierSpecification.parse(**specification)
        with st.spinner("Building the classifier, and trying every method on it …"):
            path = engine().look(TryClassifierRequest(parsed, images, number)).result()
    except UserError as error:
        show_error(error)
        return
    st.session_state[_TRY] = (parsed, images, path.read_bytes())


def _result(is_current: bool) -> None:
    """Show what was tried; it can be added as long as the form still says the same."""
    if _TRY not in st.session_state:
        st.caption(
            "Choose a network and press *Try it*: six pictures with their five most likely classes show "
            "whether weights, normalisation and class names are right. Nothing is kept until you add it."
        )
        return
    if not is_current:
        st.warning("The form has changed since: press *Try it* again.", icon=":material/sync_problem:")
    specification, images, content = st.session_state[_TRY]
    record = preview(content)
    if record.parts:
        part = st.selectbox(
            "Network of the file",
            record.parts,
            record.parts.index(record.part),
            key=f"add_part_{st.session_state[_NUMBER]}",
        )
        if part != record.part:
            _try({**specification.model_dump(), "part": part}, images)
            if _TRY in st.session_state:
                st.rerun()
            return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input("Name in the catalog", record.name, key=f"add_name_{record.name}")
        add = st.button(
            "Add to the catalog", key="add", type="primary", icon=":material/add:", disabled=not is_current
        )
        if add and is_current:
            _add(specification, name, record)


def _add(specification: ClassifierSpecification, name: str, tried: CustomClassifier) -> None:
    try:
        named = ClassifierSpecification.parse(**{**specification.model_dump(), "name": name})
        with st.spinner("Saving its weights …"):
            st.session_state[_ADDED] = engine().look(AddClassifierRequest(named, visitor(), tried)).result()
    except UserError as error:
        show_error(error)
        return
    st.session_state.pop(_TRY, None)
    _forget_upload()
    st.rerun()


def _architectures() -> dict[str, list[str]]:
    """Return the names of the networks in torchvision and timm; a worker lists them once per tab."""
    if "architectures" not in st.session_state:
        with st.spinner("Reading the lists of networks …"):
            st.session_state["architectures"] = engine().look(ArchitecturesRequest()).result()
    found: dict[str, list[str]] = st.session_state["architectures"]
    return found
