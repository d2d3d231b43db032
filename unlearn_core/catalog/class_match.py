"""The class match of an image set and a classifier."""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Literal
from unicodedata import normalize

import numpy as np
from numpy.typing import NDArray

from unlearn_core.catalog.class_names import class_numbers, classes_called
from unlearn_core.errors import UserError

How = Literal["name", "WordNet id", "number", "order", "you", "none"]
Reading = Literal["from 0", "from 1", "in order", "as text"]
"""How classes that are numbers are counted; `in order` only if they begin with neither 0 nor 1, and `as text`
with 10 before 2, as torchvision's ImageFolder does it."""

_WORDNET_ID = re.compile(r"(?<!\d)n\d{8}(?!\d)")
_NUMBERED = re.compile(r"(n\d{8}|\d+)[._ -]+([^\W\d_].*)", re.DOTALL)
_SIGN, _POINT = re.compile(r"^-(?=\d)|(?<=\w)-$"), re.compile(r"(?<=\d)\.(?=\d)")
_SEPARATORS = re.compile(r"[\s_\-.,;:/\\()\[\]'\"’!?&]+")


@dataclass(frozen=True)
class ClassMatch:
    """For each class of an image set: the classifier's class (−1: none), and how it was matched.

    `reading` is how classes that are numbers are counted, None for others.
    """

    classes: tuple[int, ...]
    how: tuple[How, ...]
    reading: Reading | None = None

    def labels(self, own: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the classifier's classes for the image set's classes `own`, −1 for none."""
        return np.append(np.array(self.classes, np.int64), -1)[own]


def match_classes(
    own: Sequence[str],
    class_names: Sequence[str],
    wordnet_ids: Sequence[str],
    overrides: Mapping[str, str] | None = None,
    reading: Reading | None = None,
) -> ClassMatch:
    """Match the classes of an image set with those of a classifier.

    A class is matched by the user's override, else by the WordNet id in its name, else by a name that is
    unique in the classifier: first by its exact spelling, then by its letters, digits and symbols, last
    without the number or id before it. One of several names is enough only where the other side has no
    further ones. Numbers are counted if no class is matched so, or the classifier's names are but numbers;
    other classes are then matched by order if there are as many.

    Args:
        own: names of the image set's classes; several names of one class are separated by commas.
        class_names: of the classifier, likewise.
        wordnet_ids: of the same classes; if empty, those in the names.
        overrides: class name of the image set to name or index of the classifier's class, "" for none.
        reading: how numbers are counted; by default, or if impossible, the first way that is possible.
    """
    known = _Known(class_names, wordnet_ids)
    twins = _twins(own, class_names)
    found: list[tuple[int, How]] = [
        (twins[place], "name") if place in twins else known.match(name, without)
        for place, (name, without) in enumerate(zip(own, _without_numbers(own), strict=True))
    ]
    counted = None
    numbered = class_numbers(class_names)
    if all(how == "none" for _, how in found) or numbered == list(range(len(class_names))):
        readings = number_readings(own, len(class_names))
        counted = reading if reading in readings else next(iter(readings), None)
        if counted is not None:
            same = [class_names[index] == name for name, index in zip(own, readings[counted], strict=True)]
            hows: list[How] = ["name" if one else "number" for one in same]
            found = list(zip(readings[counted], hows, strict=True))
        elif all(how == "none" for _, how in found) and numbered and len(own) == len(numbered):
            found = [(place, "order") for place in range(len(own))]
    for place, name in enumerate(own):
        if overrides and name in overrides:
            found[place] = (next(iter(classes_called(overrides[name], class_names)), -1), "you")
    return ClassMatch(tuple(index for index, _ in found), tuple(how for _, how in found), counted)


def number_readings(own: Sequence[str], classes: int) -> dict[Reading, tuple[int, ...]]:
    """Return the indices of classes that are numbers, for each way to count them that so many classes allow.

    Of two ways with the same indices only the first; none for other names.
    """
    numbers = class_numbers(own)
    if numbers is None:
        return {}
    found: dict[Reading, tuple[int, ...]] = {}
    ways: tuple[tuple[Reading, int], ...] = (("from 0", 0), ("from 1", 1))
    for reading, first in ways:
        if first <= min(numbers) and max(numbers) < classes + first:
            found[reading] = tuple(number - first for number in numbers)
    if len(own) == classes:
        if not found:
            found["in order"] = _ranks(numbers)
        if (as_text := _ranks(own)) not in found.values():
            found["as text"] = as_text
    return found


def _ranks(values: Sequence[int] | Sequence[str]) -> tuple[int, ...]:
    """Return the place of each value in their order."""
    order = sorted(range(len(values)), key=values.__getitem__)
    return tuple(np.argsort(order).tolist())


def _twins(own: Sequence[str], class_names: Sequence[str]) -> dict[int, int]:
    """Return the classes of those whose name several have, as many on both sides: ImageNet has two cranes."""
    places: dict[str, tuple[list[int], list[int]]] = {}
    for side, names in enumerate((own, class_names)):
        for place, name in enumerate(names):
            places.setdefault(name, ([], []))[side].append(place)
    pairs = [both for both in places.values() if len(both[0]) == len(both[1]) > 1]
    return {place: index for both in pairs for place, index in zip(*both, strict=True)}


class _Known:
    """The classes of a classifier, found by WordNet ids and by names in several spellings."""

    def __init__(self, class_names: Sequence[str], wordnet_ids: Sequence[str]) -> None:
        ids = wordnet_ids or [_wordnet_id(name) for name in class_names]
        once = Counter(ids)
        self._wordnet_ids = {one: index for index, one in enumerate(ids) if one and once[one] == 1}
        self._spelled = [
            _spellings(name, without)
            for name, without in zip(class_names, _without_numbers(class_names), strict=True)
        ]
        self._found: list[dict[str, set[int]]] = [{} for _ in _spellings("", "")]
        for index, spellings in enumerate(self._spelled):
            for spelled, forms in zip(self._found, spellings, strict=True):
                for form in forms:
                    spelled.setdefault(form, set()).add(index)

    def match(self, name: str, without: str) -> tuple[int, How]:
        """Return the class of a name, and how it was found; `without` is the name without its number."""
        wordnet_id = _wordnet_id(name)
        if wordnet_id in self._wordnet_ids:
            return self._wordnet_ids[wordnet_id], "WordNet id"
        for level, forms in enumerate(_spellings(name, without)):
            found = set()
            for form in forms:
                classes = self._found[level].get(form, set())
                if len(classes) == 1 and _is_same(forms, self._spelled[next(iter(classes))][level]):
                    found |= classes
            if len(found) == 1:
                return found.pop(), "name"
            if found:
                # Names of several classes at once.
                break
        return -1, "none"


def _wordnet_id(name: str) -> str:
    found = _WORDNET_ID.search(name)
    return found[0] if found else ""


def _is_same(some: Sequence[str], others: Sequence[str]) -> bool:
    """Return whether names of two classes, which share one, do not tell them apart: the fewer are all shared.

    A king crab is no hermit crab, though both are listed as crabs.
    """
    return min(len(some), len(others)) == 1 or set(some) <= set(others) or set(others) <= set(some)


def _without_numbers(names: Sequence[str]) -> list[str]:
    """Return names without the numbers before them, as in 001.Albatross, if each has one of its own."""
    found = [_NUMBERED.fullmatch(name.strip()) for name in names]
    numbers, rests = {one[1] for one in found if one}, {_plain(one[2]) for one in found if one}
    if len(numbers) == len(rests) == len(names):
        return [one[2] for one in found if one]
    return list(names)


def _spellings(name: str, without: str) -> tuple[list[str], ...]:
    """Return spellings to compare: the whole name, its parts, both without case and separators.

    And then both of these without the number before it. Letters are composed; symbols and combining marks
    stay, since C, C++ and C# are three names.
    """
    exact, bare = (normalize("NFC", one).strip() for one in (name, without))
    parts = [part.strip() for part in exact.split(",")]
    plain, last = ([_plain(part) for part in one.split(",")] for one in (exact, bare))
    found = [exact], parts, [_plain(exact)], plain, [_plain(bare)], last
    return tuple([form for form in forms if form] for forms in found)


def _plain(name: str) -> str:
    """Return a name without case and separators; what is a minus, or a point in a number, is none."""
    kept = _SIGN.sub("−", _POINT.sub("·", name.strip().lower()))
    return _SEPARATORS.sub(" ", kept).strip()


def read_overrides(root: Path, classifier: str, images: str) -> dict[str, str]:
    """Return the user's overrides of the class match of an image set and a classifier."""
    path = _overrides_path(root, classifier, images)
    if not path.exists():
        return {}
    try:
        overrides = json.loads(path.read_text(encoding="utf-8"))
        return {str(own): str(name) for own, name in overrides.items()}
    except (ValueError, AttributeError) as error:
        raise UserError(f"The class match of {images} and {classifier} is damaged: reset it.") from error


def write_overrides(root: Path, classifier: str, images: str, overrides: Mapping[str, str]) -> None:
    """Store the user's overrides; an empty mapping removes them."""
    path = _overrides_path(root, classifier, images)
    if not overrides:
        path.unlink(missing_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(dict(overrides)), encoding="utf-8")


def _overrides_path(root: Path, classifier: str, images: str) -> Path:
    key = sha256(f"{classifier}\n{images}".encode()).hexdigest()
    return root / "matches" / f"{key[:24]}.json"
