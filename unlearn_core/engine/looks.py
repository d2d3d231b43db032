"""What the looking lane can be asked: typed requests, each with the function that answers it.

A request is plain and hashable; `answer` runs in a worker and imports torch inside, so this file stays light.
Most answers are paths of files, whose formats belong to `artifacts/` and `measuring/`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from unlearn_core.measuring.attribution.request import AttributionRequest

Answer_co = TypeVar("Answer_co", covariant=True)


class LookRequest(Protocol[Answer_co]):
    """A question about what the store at `root` holds. Requests that are equal get the same answer."""

    def answer(self, root: Path) -> Answer_co:
        """Find the answer, in a worker; what cannot be answered raises `UserError`."""
        ...


@dataclass(frozen=True)
class ImageTableRequest:
    """An image set as a classifier sees it."""

    classifier: str
    images: str

    def answer(self, root: Path) -> Path:
        """Return the path of the image table."""
        from unlearn_core.measuring.write_image_table import write_image_table

        return write_image_table(root, self.classifier, self.images)


@dataclass(frozen=True)
class ImageMapRequest:
    """The pictures of an image set as places on the plane of the classifier's features (PCA)."""

    classifier: str
    images: str

    def answer(self, root: Path) -> Path:
        """Return the path of the map's arrays."""
        from unlearn_core.measuring.representation.pca_map import write_image_map

        return write_image_map(root, self.classifier, self.images)


@dataclass(frozen=True)
class NeighbourMapRequest:
    """The pictures of an image set as places by neighbourhood in the classifier's features (t-SNE)."""

    classifier: str
    images: str

    def answer(self, root: Path) -> Path:
        """Return the path of the map's arrays."""
        from unlearn_core.measuring.representation.tsne_map import write_neighbour_map

        return write_neighbour_map(root, self.classifier, self.images)


@dataclass(frozen=True)
class AttributionMapsRequest:
    """Attributions of pictures before and after a run."""

    request: AttributionRequest

    def answer(self, root: Path) -> Path:
        """Return the path of the maps (`artifacts/attribution_maps.py`)."""
        from unlearn_core.measuring.attribution.explain import write_attributions

        return write_attributions(root, self.request)


@dataclass(frozen=True)
class AttributionQualityRequest:
    """How far the attributions of pictures can be trusted, before and after a run."""

    request: AttributionRequest

    def answer(self, root: Path) -> Path:
        """Return the path of the numbers (`artifacts/attribution_quality.py`)."""
        from unlearn_core.measuring.attribution.quality import write_attribution_quality

        return write_attribution_quality(root, self.request)


@dataclass(frozen=True)
class SanityCheckRequest:
    """Whether the maps of pictures change when the classifier's weights are shuffled."""

    request: AttributionRequest

    def answer(self, root: Path) -> Path:
        """Return the path of the maps and their rank correlations (`artifacts/attribution_sanity.py`)."""
        from unlearn_core.measuring.attribution.sanity import write_sanity_check

        return write_sanity_check(root, self.request)


@dataclass(frozen=True)
class NeighboursRequest:
    """Adversarial neighbours of pictures, and their attributions before and after a run."""

    request: AttributionRequest

    def answer(self, root: Path) -> Path:
        """Return the path of the neighbours (`artifacts/adversarial_neighbours.py`)."""
        from unlearn_core.measuring.attribution.adversarial_neighbours import write_neighbours

        return write_neighbours(root, self.request)


@dataclass(frozen=True)
class ReplayRequest:
    """Predictions, attributions and places of pictures at the start and at the end of a run."""

    request: AttributionRequest

    def answer(self, root: Path) -> Path:
        """Return the path of the film's arrays."""
        from unlearn_core.measuring.replay import write_replay

        return write_replay(root, self.request)


@dataclass(frozen=True)
class FrameRequest:
    """The same at one step between."""

    request: AttributionRequest
    step: int

    def answer(self, root: Path) -> Path:
        """Return the path of the frame's arrays."""
        from unlearn_core.measuring.replay import write_frame

        return write_frame(root, self.request, self.step)


@dataclass(frozen=True)
class InterpolationRequest:
    """Weights on the line from before to after a run, and beyond: both ends."""

    run_id: str

    def answer(self, root: Path) -> Path:
        """Return the path of accuracy and predictions before and after, and of where else to measure them."""
        from unlearn_core.measuring.weights.interpolation import write_interpolation

        return write_interpolation(root, self.run_id)


@dataclass(frozen=True)
class PointRequest:
    """The same at one point between or beyond; a strength of 0 is before, of 1 after."""

    run_id: str
    strength: float

    def answer(self, root: Path) -> Path:
        """Return the path of the point's arrays."""
        from unlearn_core.measuring.weights.interpolation import write_point

        return write_point(root, self.run_id, self.strength)


@dataclass(frozen=True)
class DriftRequest:
    """What moved inside the classifier during a run."""

    run_id: str

    def answer(self, root: Path) -> Path:
        """Return the path of features before and after, and of CKA per layer."""
        from unlearn_core.measuring.representation.drift import write_drift

        return write_drift(root, self.run_id)


@dataclass(frozen=True)
class FilterRequest:
    """One filter of a convolution before and after a run."""

    run_id: str
    layer: str
    number: int

    def answer(self, root: Path) -> Path:
        """Return the path of its kernels, of the pictures it answers to, and of its change undone."""
        from unlearn_core.measuring.weights.conv_filter import write_filter

        return write_filter(root, self.run_id, self.layer, self.number)


@dataclass(frozen=True)
class RetainImportanceRequest:
    """MAS importance of a run's weights for retained pictures."""

    run_id: str

    def answer(self, root: Path) -> Path:
        """Return the path of the importance maps."""
        from unlearn_core.measuring.weights.retain_importance import write_retain_importance

        return write_retain_importance(root, self.run_id)


@dataclass(frozen=True)
class WeightDifferenceRequest:
    """The weights after a run against those after another, or of a classifier of the catalog."""

    run_id: str
    other_run: str | None = None
    classifier: str | None = None

    def answer(self, root: Path) -> Path:
        """Return the path of the maps of the difference."""
        from unlearn_core.measuring.weights.weight_difference import write_weight_difference

        return write_weight_difference(root, self.run_id, self.other_run, self.classifier)
