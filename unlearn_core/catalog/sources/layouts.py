"""Where the pictures of a set belong, by their folders: the layouts in which data sets are published."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

Kind = Literal["train", "test", "unlabelled", "none"]
Folders = tuple[str, ...]

_WORDS: dict[str, Kind] = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("test", "testing", "val", "valid", "validation"), "test"),
    **dict.fromkeys(("pred", "prediction", "predictions", "unlabeled", "unlabelled"), "unlabelled"),
    "meta": "none",
}
"""The words for a split. Pictures to predict have no label and count as test pictures."""

_PLAIN = ("image", "images", "img", "imgs", "jpegimages", "pictures")
"""Folders that only say that there are pictures in them."""

_FOLD = re.compile(r"fold[ _-]?\d+", re.IGNORECASE)

_NEUTRAL = ("set", "data", "dataset", "split", "folder")
_DEEPEST = 6


@dataclass(frozen=True)
class Place:
    """Where a picture belongs: its class, "" for unlabelled ones, and the folder of that class."""

    class_name: str
    is_test: bool
    folder: Folders = ()


def places(names: Sequence[str], annotated: Mapping[str, str]) -> list[Place | None]:
    """Return the place of each picture, None for those that are in no split though others are.

    The class is the first folder below the split, else the folder above it; without a split the first folder
    that is not around all of them.

    Args:
        names: paths with `/` in the set.
        annotated: classes of pictures whose folders do not say it, by name.
    """
    folders = [tuple(name.split("/")[:-1]) for name in names]
    known = _of_folders(set(folders))
    found = []
    for name, folder in zip(names, folders, strict=True):
        place = known[folder]
        if place is not None and not place.class_name and name in annotated:
            place = Place(annotated[name], place.is_test)
        found.append(place)
    return found


def _of_folders(folders: set[Folders]) -> dict[Folders, Place | None]:
    split = _split(folders)
    if split is None:
        around = _around(folders)
        return {one: _place(one, around, is_test=False) for one in folders}
    found: dict[Folders, Place | None] = {one: Place("", False) for one in folders}
    for part, kind in split.kinds.items():
        inside = [one for one in folders if len(one) > split.depth and one[split.depth] == part]
        below = [one[split.depth + 1 :] for one in inside]
        around = _around(below, partial(_is_no_class, part))
        at = split.depth - 1 if split.below_class else split.depth + 1 + around
        for one in inside:
            place = Place("", True) if kind == "unlabelled" else _place(one, at, is_test=kind == "test")
            found[one] = None if kind == "none" else place
    others = [one for one in folders if len(one) > split.depth and one[split.depth] not in split.kinds]
    return found | dict.fromkeys(others)


def _place(folders: Folders, at: int, *, is_test: bool) -> Place:
    """Return the place of pictures whose class is the folder at a depth, if they are that deep."""
    return Place(folders[at], is_test, folders[: at + 1]) if len(folders) > at else Place("", is_test)


@dataclass(frozen=True)
class _Split:
    """The depth of the folders for training and testing, what each is, and whether classes are above them."""

    depth: int
    kinds: dict[str, Kind]
    below_class: bool


def _split(folders: set[Folders]) -> _Split | None:
    """Return the split of a set, or None: its folders are at one depth, with nothing else beside them.

    Around everything else, other folders may be beside those for training and testing, as in the traffic
    signs of GTSRB, if the one for training has folders in it.
    """
    around = True
    for depth in range(_DEEPEST):
        level = {one[depth] for one in folders if len(one) > depth}
        deeper = {one[depth] for one in folders if len(one) > depth + 1}
        kinds = _kinds(level)
        sorts = set(kinds.values())
        everywhere = around or all(len(one) > depth for one in folders if one)
        if level == set(kinds) and everywhere and sorts & {"train", "test"}:
            return _Split(depth, kinds, below_class=not around and not deeper)
        if around and {"train", "test"} <= sorts and any(kinds.get(one) == "train" for one in deeper):
            return _Split(depth, kinds, below_class=False)
        around = around and len(level) == 1
    return None


def _kinds(level: Iterable[str]) -> dict[str, Kind]:
    """Return what those folders are that have a word for a split first or last, as train2017 or seg_test.

    Their other words must be the same: a bullet train and a steam train are classes.
    """
    found: dict[str, Kind] = {}
    rests = set()
    for name in level:
        words = _words(name)
        for place in {0, len(words) - 1} if words else ():
            if words[place] in _WORDS:
                found[name] = _WORDS[words[place]]
                rests.add(words[:place] + words[place + 1 :])
                break
    alone = rests == {()} or (len(rests) == 1 and len(set(found.values())) > 1)
    return found if alone else {}


def _words(name: str) -> Folders:
    """Return the words of a folder's name, without those that say only that there are pictures."""
    words = re.findall("[a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower())
    return tuple(word for word in words if word not in _PLAIN and word not in _NEUTRAL)


def _around(folders: Iterable[Folders], is_around: Callable[[str], bool] | None = None) -> int:
    """Return how many folders are around all others and are no classes.

    By default a folder without others beside it is one if all pictures are deeper, or in two folders, or if
    its name only says that there are pictures; and so are the folders of a cross-validation.
    """
    depth = 0
    while True:
        level = {one[depth] for one in folders if len(one) > depth}
        deeper = {one[depth + 1] for one in folders if len(one) > depth + 1}
        ends = any(len(one) == depth + 1 for one in folders)
        if is_around is not None:
            goes_on = len(level) == 1 and is_around(*level)
        elif len(level) == 1:
            goes_on = len(deeper) > ends or next(iter(level)).lower() in _PLAIN
        else:
            goes_on = bool(deeper) and not ends and all(map(_FOLD.fullmatch, level))
        if not goes_on:
            return depth
        depth += 1


def _is_no_class(part: str, name: str) -> bool:
    return name.lower() in (*_PLAIN, part.lower()) or bool(_kinds([name]))
