"""The class match of an image set and a classifier."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from unlearn_core.errors import UserError

How = Literal["name", "WordNet id", "order", "you", "none"]


@dataclass(frozen=True)
class ClassMatch:
    """For each class of an image set: the classifier's class (−1: none), and how it was matched."""

    classes: tuple[int, ...]
    how: tuple[How, ...]

    def labels(self, own: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the classifier's classes for the image set's classes `own`, −1 for none."""
        return np.append(np.array(self.classes, np.int64), -1)[own]


def match_classes(
    own: Sequence[str],
    class_names: Sequence[str],
    wordnet_ids: Sequence[str],
    overrides: Mapping[str, str] | None = None,
) -> ClassMatch:
    """Match the classes of an image set with those of a classifier.

    A class is matched by the user's override, else by the WordNet id in its name, else by a name that is
    unique in the classifier. If no class is matched, both have the same number of classes and one of them has
    numbers as names, classes are matched by order.

    Args:
        own: names of the image set's classes; several names of one class are separated by commas.
        class_names: of the classifier, likewise.
        wordnet_ids: of the same classes, or empty.
        overrides: class name of the image set to class name of the classifier, "" for none.
    """
    known = _class_index(class_names)
    found: list[tuple[int, How]] = [_match(name, known, wordnet_ids) for name in own]
    by_order = len(own) == len(class_names) and (_numbered(own) or _numbered(class_names))
    if by_order and all(how == "none" for _, how in found):
        found = [(place, "order") for place in range(len(own))]
    names = list(class_names)
    for place, name in enumerate(own):
        if overrides and name in overrides:
            wanted = overrides[name]
            found[place] = (names.index(wanted), "you") if wanted in names else (-1, "you")
    return ClassMatch(tuple(index for index, _ in found), tuple(how for _, how in found))


def _match(name: str, known: dict[str, int], wordnet_ids: Sequence[str]) -> tuple[int, How]:
    wordnet_id = re.search(r"n\d{8}", name)
    if wordnet_id and wordnet_id[0] in wordnet_ids:
        return list(wordnet_ids).index(wordnet_id[0]), "WordNet id"
    for one in (name, *name.split(",")):
        index = known.get(_plain(one))
        if index is not None:
            return index, "name"
    return -1, "none"


def _class_index(class_names: Sequence[str]) -> dict[str, int]:
    """Return every normalised name that is unique to one class, with the class."""
    found: dict[str, set[int]] = {}
    for index, names in enumerate(class_names):
        for name in {names, *names.split(",")}:
            found.setdefault(_plain(name), set()).add(index)
    return {name: classes.pop() for name, classes in found.items() if len(classes) == 1}


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", " ", name.lower()).strip()


def _numbered(names: Sequence[str]) -> bool:
    return all(re.fullmatch(r"(class )?\d+", _plain(name)) for name in names)


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
