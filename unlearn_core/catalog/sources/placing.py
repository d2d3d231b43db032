"""Where each picture of a folder or .zip belongs: by its folders, by tables and by its name."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from unicodedata import normalize

from unlearn_core.catalog.sources.base import PictureFile
from unlearn_core.catalog.sources.classes_in_names import class_in_name, classes_in_names
from unlearn_core.catalog.sources.label_files import annotated, classes_are_those, in_tables
from unlearn_core.catalog.sources.layouts import Folders, Place, places
from unlearn_core.catalog.sources.masks import masks
from unlearn_core.catalog.sources.nested_copies import nested_copies
from unlearn_core.catalog.sources.split_words import split_of

_SHARED = 0.7
"""Of the folders in class folders that others have too: a patient may lack one of the classes."""


@dataclass(frozen=True)
class Placed:
    """Where the pictures of a set belong.

    Attributes:
        places: by the pictures' paths.
        left_out: a sentence about each of the other pictures, by its path.
        notes: sentences about where classes are from.
    """

    places: dict[str, Place]
    left_out: dict[str, str]
    notes: tuple[str, ...]


def placed(names: Sequence[str], annotations: Sequence[PictureFile]) -> Placed:
    """Return where pictures belong.

    Args:
        names: their paths with `/` in the set.
        annotations: files that may say the classes of pictures.

    Raises:
        UserError: tables that disagree.
    """
    left_out = nested_copies(names) | masks(names)
    others = [name for name in names if name not in left_out]
    found: dict[str, Place] = {}
    for name, place in zip(others, places(others, annotated(annotations)), strict=True):
        if place is None:
            left_out[name] = f"{name} is beside the folders for training and testing."
        else:
            found[name] = place
    classes = {place.class_name for place in found.values()} - {""}
    # One folder around all is no class where something else says some: an archive often has one.
    is_around = len(classes) < 2
    unlabelled = {name for name, place in found.items() if is_around or not place.class_name}
    is_test = {name: place.is_test for name, place in found.items()}
    said = in_tables(annotations, is_test, unlabelled, classes)
    if is_around and any(found[name].class_name for name in said.classes):
        found = {name: Place("", place.is_test) for name, place in found.items()}
    for name, label in said.classes.items():
        is_for_testing = said.tests.get(name, found[name].is_test)
        found[name] = replace(found[name], class_name=normalize("NFC", label), is_test=is_for_testing)
    found = {name: place for name, place in found.items() if name not in said.left_out}
    notes = [*said.notes]
    if is_around and not said.classes:
        notes += _from_names(found)
    notes += [*_of_folders_in_classes(found), *_without_class(names, found)]
    return Placed(found, left_out | said.left_out, tuple(notes))


def _from_names(found: dict[str, Place]) -> list[str]:
    """Set the classes of all pictures to those in their names; return a sentence if there are any."""
    train, test = ([name for name, place in found.items() if place.is_test == of] for of in (False, True))
    labels = classes_in_names(train)
    classes = set(labels.values())
    labels |= {name: one for name in test if (one := class_in_name(name)) in classes}
    if not labels:
        return []
    for name, place in found.items():
        found[name] = Place(labels.get(name, ""), place.is_test)
    one = next(iter(labels)).rpartition("/")[2]
    return [classes_are_those(len(labels), f"in their names, such as {one}")]


def _of_folders_in_classes(found: dict[str, Place]) -> list[str]:
    """Return a sentence if the class folders have the same folders in them: those may be the classes."""
    inside: defaultdict[Folders, set[str]] = defaultdict(set)
    for name, place in found.items():
        if place.folder:
            inside[place.folder].update(name.split("/")[len(place.folder) : -1][:1])
    some = set().union(*inside.values())
    whole = all(one == some for one in inside.values())
    shared = sum(map(len, inside.values())) >= _SHARED * len(some) * len(inside)
    same = shared and len({folder[-1] for folder in inside}) > 1
    if not same or len(some) < 2 or all(map(split_of, some)):
        return []
    outer, inner = min(folder[-1] for folder in inside), min(some)
    same_inside = f"{'each' if whole else 'nearly each'} of them has the same folders in it, such as {inner}"
    return [f"The classes are the outer folders, such as {outer}; {same_inside}."]


def _without_class(names: Sequence[str], found: dict[str, Place]) -> list[str]:
    """Return a sentence about the pictures without a class if others have one."""
    kept = [name for name in names if name in found]
    without = [name for name in kept if not found[name].class_name]
    if not without or len(without) == len(kept):
        return []
    if len(without) == 1:
        return [f"1 of {len(kept):,} pictures has no class: {without[0]}."]
    return [f"{len(without):,} of {len(kept):,} pictures have no class, the first is {without[0]}."]
