"""What every source of pictures gives, and what an image set of the catalog is."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from unlearn_core.catalog.class_names import class_numbers
from unlearn_core.catalog.untrusted.intensities import Window
from unlearn_core.errors import UserError


@dataclass(frozen=True)
class PictureFile:
    """One picture file: its path inside the set, a function that returns its bytes, and where it is on disk.

    A file in an archive is nowhere on the disk.
    """

    name: str
    read: Callable[[], bytes]
    path: str | None = None


@dataclass(frozen=True)
class ImageSource:
    """n pictures of an image set, independent of any classifier.

    Attributes:
        pictures: files, or pixels uint8 (n, h, w, c) with 1 or 3 channels.
        ids: int64 (n,), ascending; stable as long as the set stays the same.
        is_test: bool (n,).
        classes: int64 (n,), index in `class_names`, −1 for unlabelled pictures.
        class_names: of the set; several names of one class are separated by commas.
        left_out: name of each file that is no picture of the set, and a sentence why.
        notes: sentences about how the set was read.
        window: of files with more than eight bits per channel, where a person chose it.
    """

    pictures: list[PictureFile] | NDArray[np.uint8]
    ids: NDArray[np.int64]
    is_test: NDArray[np.bool_]
    classes: NDArray[np.int64]
    class_names: tuple[str, ...]
    left_out: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    window: Window | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """A readable name of each picture; may be empty."""
        return tuple(one.name for one in self.pictures) if isinstance(self.pictures, list) else ()


@dataclass(frozen=True)
class ImageSetEntry:
    """What a person picks from.

    Attributes:
        name: in links, requests and on the command line, without ":".
        fits: the classifiers that the app offers it for; a custom classifier with as many classes is another.
        classes: how many it has of its own, 0 where nothing says what a picture shows.
        visitor: whose it is on a shared server, "" is everybody's.
        megabytes: on the disk or to download.
    """

    name: str
    title: str
    summary: str
    fits: tuple[str, ...]
    licence: str
    source: str
    classes: int = 0
    visitor: str = ""
    megabytes: float | None = None


class CatalogImageSet(ABC):
    """An image set that is known by name. Reading an `entry` loads neither pictures nor torch."""

    entry: ClassVar[ImageSetEntry]

    @abstractmethod
    def read(self) -> ImageSource:
        """Return all pictures; where they cannot be had, `UserError` says why in one sentence."""

    def fingerprint(self) -> str:
        """Return a text that changes whenever the pictures or their classes do."""
        return self.entry.name

    def is_on_disk(self) -> bool:
        """Tell whether nothing has to be downloaded before the set can be used."""
        return True

    def arrived(self) -> float:
        """Return how many MB of a download have arrived."""
        return 0.0


_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def in_order(
    pictures: list[PictureFile],
    is_test: list[bool],
    classes: list[str],
    *,
    ids: list[int] | None = None,
    left_out: Sequence[tuple[str, str]] = (),
    notes: tuple[str, ...] = (),
) -> ImageSource:
    """Return a source of files; "" is the class of unlabelled pictures.

    Ids are positions by default; where files are left out, the others keep theirs. Classes are in the order
    of their names, numbers in their own. Control characters in names become spaces. Names that differ only in
    case are one class if one is of training and the other of test pictures; else they raise `UserError`.
    """
    printable = {name: _CONTROL.sub(" ", name).strip() for name in set(classes)}
    classes = [printable[name] for name in classes]
    spelled = _spelled_once(classes, is_test)
    classes = [spelled.get(name, name) for name in classes]
    for name, other in spelled.items():
        notes = (*notes, f"The test pictures of {name} are of the class {other}.")
    names = sorted(set(classes) - {""})
    notes = (*notes, *_of_other_classes(classes, is_test))
    numbers = class_numbers(names)
    if numbers is not None:
        names = [name for _, name in sorted(zip(numbers, names, strict=True))]
    places = {name: place for place, name in enumerate(names)} | {"": -1}
    return ImageSource(
        pictures,
        np.arange(len(pictures)) if ids is None else np.array(ids, np.int64),
        np.array(is_test, bool),
        np.array([places[name] for name in classes], np.int64),
        tuple(names),
        tuple(left_out),
        notes,
    )


def _of_other_classes(classes: Sequence[str], is_test: Sequence[bool]) -> tuple[str, ...]:
    """Return a sentence if both training and test pictures have classes, and none in common."""
    train, test = (
        {name for name, one in zip(classes, is_test, strict=True) if name and one == of}
        for of in (False, True)
    )
    if not train or not test or train & test:
        return ()
    return (f"No class of the test pictures, such as {min(test)}, is one of the training pictures.",)


def _spelled_once(classes: Sequence[str], is_test: Sequence[bool]) -> dict[str, str]:
    """Return the training pictures' name of each class that the test pictures spell in another case.

    Two classes of training pictures differ in more than that, unless they are letters, as in handwriting.
    """
    known: dict[tuple[str, bool], str] = {}
    for name, test in sorted(set(zip(classes, is_test, strict=True))):
        other = known.setdefault((name.lower() if len(name) > 1 else name, test), name)
        if other != name:
            raise UserError(f"Two classes have the same name: {other[:80]} and {name[:80]}.")
    pairs = ((name, known.get((lower, False), name)) for (lower, test), name in known.items() if test)
    return {name: other for name, other in pairs if other != name}


def some_left_out(left_out: Sequence[tuple[str, str]], of: int) -> str:
    """Return a sentence about files that are left out of so many, with the reason of the first."""
    words = f"{len(left_out):,} of {of:,} pictures {'is' if len(left_out) == 1 else 'are'} left out"
    return f"{words}, the first because {left_out[0][1]}"
