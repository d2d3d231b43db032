"""`predictions.npz` of a run: predictions on every measured picture before and after, and statistics."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unlearn_core.artifacts.check_arrays import check_arrays
from unlearn_core.artifacts.intervals import paired_half_width, wilson_interval
from unlearn_core.catalog.class_names import short_class_names
from unlearn_core.common.checksums import check
from unlearn_core.common.damaged import damaged_becomes
from unlearn_core.common.files import write_compressed

FORGET, RETAIN, TEST, EARLIER = 0, 1, 2, 3
"""Groups of pictures; EARLIER: forgotten by an earlier run of the chain."""

GROUP_NAMES = ("forget", "retain", "test", "earlier")

_FILE = "predictions.npz"


@dataclass(frozen=True)
class Comparison:
    """n measured pictures before and after, in the order of the image sets; arrays (n,).

    Attributes:
        ids: of the pictures, in their image set.
        image_set: 0 for the request's image set, 1 for the one that is only measured on.
        group: FORGET, RETAIN, TEST or EARLIER.
        labels: class indices of the classifier; the prediction before if the picture has no label.
        labelled: whether the picture has a label.
        before: predicted classes.
        after: predicted classes.
        before_confidences: probability of the label, 0 to 1.
        after_confidences: probability of the label, 0 to 1.
        before_top: probability of the predicted class, 0 to 1.
        after_top: probability of the predicted class, 0 to 1.
        class_names: of the classifier.
    """

    ids: NDArray[np.int64]
    image_set: NDArray[np.int8]
    group: NDArray[np.int8]
    labels: NDArray[np.int64]
    labelled: NDArray[np.bool_]
    before: NDArray[np.int64]
    after: NDArray[np.int64]
    before_confidences: NDArray[np.float32]
    after_confidences: NDArray[np.float32]
    before_top: NDArray[np.float32]
    after_top: NDArray[np.float32]
    class_names: tuple[str, ...]

    def in_group(self, group: int) -> NDArray[np.intp]:
        """Return the positions of a group's pictures."""
        return np.flatnonzero(self.group == group)

    def flipped(self, group: int) -> NDArray[np.intp]:
        """Return the positions of a group's flipped pictures, the highest confidence before first."""
        changed = np.flatnonzero((self.group == group) & (self.before != self.after))
        return changed[np.argsort(-self.before_top[changed], kind="stable")]

    def short_name(self, index: int) -> str:
        """Return the short name of the class with this index."""
        return self._short_names[index]

    @cached_property
    def _short_names(self) -> tuple[str, ...]:
        # Kept: to look up all names by all names takes seconds for the classes of ImageNet-21k.
        return short_class_names(self.class_names)


@dataclass(frozen=True)
class Change:
    """One group's percentage before and after, with 95% intervals.

    With `agreement` there are no labels: before is 100 by definition, and after is the percentage of
    pictures predicted as by the original classifier.
    """

    agreement: bool
    n: int
    before: float
    after: float
    half_width: float
    after_interval: tuple[float, float]


def read_comparison(folder: Path) -> Comparison:
    """Read a run's folder; missing or damaged predictions raise `UserError`."""
    check(folder / _FILE, f"The predictions of run {folder.name}")
    with (
        damaged_becomes(f"The predictions of run {folder.name} are missing or damaged: run it again."),
        np.load(folder / _FILE, allow_pickle=False) as arrays,
    ):
        fields = {name: arrays[name] for name in Comparison.__dataclass_fields__}
        pictures = {name: values for name, values in fields.items() if name != "class_names"}
        check_arrays(pictures, ("labels", "before", "after"), len(fields["class_names"]))
    return Comparison(**{**fields, "class_names": tuple(fields["class_names"].tolist())})


def write_comparison(folder: Path, comparison: Comparison) -> None:
    """Write the predictions into a run's folder."""
    arrays = {**vars(comparison), "class_names": np.array(comparison.class_names)}
    write_compressed(folder / _FILE, arrays)


def group_change(comparison: Comparison, group: int) -> Change | None:
    """Return accuracy of a group before and after, agreement if it has no labels, None if it is empty.

    Unlabelled pictures of the forget set count by the prediction before.
    """
    inside = comparison.in_group(group)
    known = inside if group == FORGET else inside[comparison.labelled[inside]]
    agreement = not len(known)
    chosen = inside if agreement else known
    if not len(chosen):
        return None
    truth = comparison.before[chosen] if agreement else comparison.labels[chosen]
    before, after = comparison.before[chosen] == truth, comparison.after[chosen] == truth
    n = len(chosen)
    return Change(
        agreement,
        n,
        100 * float(before.mean()),
        100 * float(after.mean()),
        paired_half_width(int((before & ~after).sum()), int((after & ~before).sum()), n),
        wilson_interval(int(after.sum()), n),
    )


def class_changes(
    comparison: Comparison, group: int
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the classes of a group's pictures, ascending, with accuracy in percent before and after.

    Without labels the predictions before are the classes, and the percentage is agreement.
    """
    inside = comparison.in_group(group)
    known = inside[comparison.labelled[inside]]
    chosen, truth = (known, comparison.labels) if len(known) else (inside, comparison.before)
    classes = np.unique(truth[chosen])
    shares = []
    for predicted in (comparison.before, comparison.after):
        right = predicted[chosen] == truth[chosen]
        shares.append(np.array([100 * right[truth[chosen] == one].mean() for one in classes]))
    return classes, shares[0], shares[1]


@dataclass(frozen=True)
class Transitions:
    """Counts of m pairs of predictions before and after, (m,) each.

    `classes` are the classes of the pairs, ascending.
    """

    before: NDArray[np.int64]
    after: NDArray[np.int64]
    counts: NDArray[np.int64]
    classes: NDArray[np.int64]


def transitions(comparison: Comparison, group: int, most_classes: int = 16) -> Transitions:
    """Return the pairs of predictions before and after that occur in a group.

    Of more than `most_classes` classes only those with most changes, or with most pictures if there are none.
    """
    inside = comparison.in_group(group)
    pairs = np.stack([comparison.before[inside], comparison.after[inside]], 1)
    classes = np.unique(pairs)
    if len(classes) > most_classes:
        changed = pairs[pairs[:, 0] != pairs[:, 1]]
        changed = changed if len(changed) else pairs
        found, often = np.unique(changed, return_counts=True)
        classes = np.sort(found[np.argsort(-often, kind="stable")[:most_classes]])
        pairs = pairs[np.isin(pairs, classes).all(1)]
    unique, counts = np.unique(pairs, axis=0, return_counts=True)
    return Transitions(unique[:, 0], unique[:, 1], counts, classes)


@dataclass(frozen=True)
class Predictions:
    """Of n pictures: the predicted class, its probability, and probability and cross-entropy of the label."""

    classes: NDArray[np.int64]
    top_confidences: NDArray[np.float32]
    confidences: NDArray[np.float32]
    losses: NDArray[np.float32]

    def at(self, places: slice | NDArray[np.intp]) -> "Predictions":
        """Return the predictions on some of the pictures."""
        return Predictions(**{name: values[places] for name, values in vars(self).items()})


def joined(parts: Sequence[Predictions]) -> Predictions:
    """Return predictions on several sets of pictures as those on all of them, in the same order."""
    names = Predictions.__dataclass_fields__
    return Predictions(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})
