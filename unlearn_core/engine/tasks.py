"""Functions that workers run. Arguments and results are plain types; torch is imported inside."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unlearn_core.measuring.attribution.request import AttributionRequest


def warm() -> None:
    """Import what every other task needs, so that it is loaded at the first click."""
    import unlearn_core.jobs.carry_out
    import unlearn_core.measuring.write_image_table  # noqa: F401


def forget(root: str, run_id: str) -> None:
    """Carry out a queued run of the store at `root`."""
    from unlearn_core.jobs.carry_out import run_forget
    from unlearn_core.store.runs import open_store

    run_forget(open_store(Path(root)), run_id)


def image_table(root: str, classifier: str, images: str) -> str:
    """Return the path of the image table of a classifier and an image set."""
    from unlearn_core.measuring.write_image_table import write_image_table

    return str(write_image_table(Path(root), classifier, images))


def add_upload(root: str, name: str, data: bytes, visitor: str = "") -> int:
    """Store an uploaded picture and return its id in the image set `photos`, or in the visitor's own."""
    from unlearn_core.catalog.sources.photos import FIRST_UPLOAD
    from unlearn_core.catalog.sources.uploaded_photos import add_upload as keep
    from unlearn_core.catalog.sources.uploaded_photos import upload_folder

    return FIRST_UPLOAD + keep(upload_folder(Path(root), visitor), name, data)


def attributions(root: str, request: AttributionRequest) -> str:
    """Return the path of the attributions of pictures before and after a run."""
    from unlearn_core.measuring.attribution.explain import write_attributions

    return str(write_attributions(Path(root), request))


def attribution_quality(root: str, request: AttributionRequest) -> str:
    """Return the path of the quality of pictures' attributions, before and after a run."""
    from unlearn_core.measuring.attribution.quality import write_attribution_quality

    return str(write_attribution_quality(Path(root), request))


def neighbours(root: str, request: AttributionRequest) -> str:
    """Return the path of adversarial neighbours of pictures, with their maps before and after a run."""
    from unlearn_core.measuring.attribution.adversarial_neighbours import write_neighbours

    return str(write_neighbours(Path(root), request))


def image_map(root: str, classifier: str, images: str) -> str:
    """Return the path of an image set's features and their first two principal components."""
    from unlearn_core.measuring.representation.pca_map import write_image_map

    return str(write_image_map(Path(root), classifier, images))


def neighbour_map(root: str, classifier: str, images: str) -> str:
    """Return the path of an image set's t-SNE layout in the classifier's feature space."""
    from unlearn_core.measuring.representation.tsne_map import write_neighbour_map

    return str(write_neighbour_map(Path(root), classifier, images))


def replay(root: str, request: AttributionRequest) -> str:
    """Return the path of a run's film: predictions, maps and features of pictures at every snapshot."""
    from unlearn_core.measuring.replay import write_replay

    return str(write_replay(Path(root), request))


def dial(root: str, run_id: str) -> str:
    """Return the path of the measurements of weights interpolated between before and after a run."""
    from unlearn_core.measuring.weights.interpolation import write_interpolation

    return str(write_interpolation(Path(root), run_id))


def drift(root: str, run_id: str) -> str:
    """Return the path of the change of representations during a run."""
    from unlearn_core.measuring.representation.drift import write_drift

    return str(write_drift(Path(root), run_id))


def filter_view(root: str, run_id: str, layer: str, number: int) -> str:
    """Return the path of the measurements of one filter of a run's classifier."""
    from unlearn_core.measuring.weights.conv_filter import write_filter

    return str(write_filter(Path(root), run_id, layer, number))


def retain_importance(root: str, run_id: str) -> str:
    """Return the path of the weights' importance for the retain set of a run."""
    from unlearn_core.measuring.weights.retain_importance import write_retain_importance

    return str(write_retain_importance(Path(root), run_id))


def architectures() -> dict[str, list[str]]:
    """Return the names of the networks in torchvision and timm."""
    from unlearn_core.catalog.custom.build_network import timm_names, torchvision_names

    return {"torchvision": torchvision_names(), "timm": timm_names()}


def try_classifier(root: str, specification: Mapping[str, Any], images: str, number: int) -> str:
    """Return the path of a custom classifier's predictions on a few pictures; the catalog is unchanged."""
    from unlearn_core.catalog.records.classifier_record import ClassifierSpecification
    from unlearn_core.measuring.classifier_preview import write_preview

    return str(write_preview(Path(root), ClassifierSpecification.parse(**specification), images, number))


def add_classifier(root: str, specification: Mapping[str, Any], visitor: str = "") -> str:
    """Add a classifier to the catalog and return its name."""
    from unlearn_core.catalog.custom.add_classifier import add_classifier as keep
    from unlearn_core.catalog.records.classifier_record import ClassifierSpecification

    return keep(Path(root), ClassifierSpecification.parse(**specification), visitor)


def add_image_set(root: str, name: str, source: str, uploaded: str | None = None, visitor: str = "") -> str:
    """Add an image set to the catalog and return its name."""
    from unlearn_core.catalog.sources.add_image_set import add_image_set as keep

    path = None if uploaded is None else Path(uploaded)
    return keep(Path(root), name, source, path, visitor).name
