"""Where the pictures of a set belong, by their folders: the layouts in which data sets are published."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from unlearn_core.catalog.sources.masks import NO_PICTURES
from unlearn_core.catalog.sources.split_words import PLAIN, Kind, split_of

Folders = tuple[str, ...]

_FOLD = re.compile(r"fold[ _-]?\d+", re.IGNORECASE)
_PART = re.compile(r"((.*[ _-])?part|images?|imgs?|batch)[ _-]?\d+", re.IGNORECASE)
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
    known = _of_folders(Counter(folders))
    found = []
    for name, folder in zip(names, folders, strict=True):
        place = known[folder]
        if place is not None and not place.class_name and name in annotated:
            place = Place(annotated[name], place.is_test)
        found.append(place)
    return found


def _of_folders(folders: Mapping[Folders, int]) -> dict[Folders, Place | None]:
    """Return the place of the pictures in each folder; given is how many there are."""
    split = _split(folders)
    if split is None and (around := _around_split(folders)):
        depth = len(around)
        inside = _of_folders({one[depth:]: n for one, n in folders.items() if one[:depth] == around})
        return dict.fromkeys(folders) | {(*around, *one): _within(around, inside[one]) for one in inside}
    if split is None:
        depth = _around(folders)
        return {one: _place(one, depth, is_test=False) for one in folders}
    found: dict[Folders, Place | None] = {one: Place("", False) for one in folders}
    parts: defaultdict[str, list[Folders]] = defaultdict(list)
    for one in folders:
        if len(one) > split.depth:
            parts[one[split.depth]].append(one)
    for part, inside_part in parts.items():
        kind = split.kinds.get(part, "none")
        depth = _around((one[split.depth + 1 :] for one in inside_part), partial(_is_no_class, part))
        at = split.depth - 1 if split.below_class else split.depth + 1 + depth
        for one in inside_part:
            place = Place("", True) if kind == "unlabelled" else _place(one, at, is_test=kind == "test")
            found[one] = None if kind == "none" else place
    return found


def _within(around: Folders, place: Place | None) -> Place | None:
    """Return a place whose folder is in others."""
    return replace(place, folder=(*around, *place.folder)) if place and place.folder else place


def _place(folders: Folders, at: int, *, is_test: bool) -> Place:
    """Return the place of pictures whose class is the folder at a depth, if they are that deep."""
    return Place(folders[at], is_test, folders[: at + 1]) if len(folders) > at else Place("", is_test)


@dataclass(frozen=True)
class _Split:
    """The depth of the folders for training and testing, what each is, and whether classes are above them."""

    depth: int
    kinds: dict[str, Kind]
    below_class: bool


def _split(folders: Collection[Folders]) -> _Split | None:
    """Return the split of a set, or None: its folders are at one depth, with nothing else beside them.

    Around everything else, other folders may be beside those for training and testing, as in the traffic
    signs of GTSRB, if the one for training has folders in it.
    """
    around = True
    for depth in range(_DEEPEST):
        level: defaultdict[str, set[str]] = defaultdict(set)
        for one in folders:
            if len(one) > depth:
                level[one[depth]].update(one[depth + 1 : depth + 2])
        kinds = _kinds(level)
        everywhere = around or all(len(one) > depth for one in folders if one)
        if level.keys() == kinds.keys() and everywhere and {"train", "test"} & set(kinds.values()):
            return _Split(depth, kinds, below_class=not around and not any(level.values()))
        if around and _is_whole(level, kinds):
            return _Split(depth, kinds, below_class=False)
        around = around and len(level) == 1
    return None


def _is_whole(level: Mapping[str, set[str]], kinds: Mapping[str, Kind]) -> bool:
    """Return whether there are folders for training, with folders in them, and for testing."""
    return "test" in kinds.values() and any(kind == "train" and level[name] for name, kind in kinds.items())


def _around_split(folders: Mapping[Folders, int]) -> Folders:
    """Return the folder around those for training and testing if most pictures are in it, else ().

    So what else is in somebody's project is no class.
    """
    levels: defaultdict[Folders, defaultdict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for one in folders:
        for depth in range(1, min(len(one), _DEEPEST)):
            levels[one[:depth]][one[depth]].update(one[depth + 1 : depth + 2])
    found = [one for one, level in levels.items() if _is_whole(level, _kinds(level))]
    outer = min(found, key=len, default=())
    inside = sum(n for one, n in folders.items() if one[: len(outer)] == outer)
    alone = all(one[: len(outer)] == outer for one in found)
    return outer if alone and 2 * inside > sum(folders.values()) else ()


def _kinds(level: Mapping[str, set[str]]) -> dict[str, Kind]:
    """Return what the folders of a level are that have a word for a split first or last.

    Their other words must be the same: a bullet train and a steam train are classes. They may differ if there
    is one folder for training and one for testing without others, if one has none and all are of a split, or
    if both kinds have the same folders in them and nothing else has.

    Args:
        level: the folders in each folder, by its name.
    """
    found = {name: of for name in level if (of := split_of(name))}
    kinds: dict[str, Kind] = {name: kind for name, (kind, _) in found.items()}
    rests = {rest for _, rest in found.values()}
    if rests == {()} or (len(rests) == 1 and len(set(kinds.values())) > 1):
        return kinds
    if not {"train", "test"} <= set(kinds.values()):
        return {}
    alone = {kind for kind, rest in found.values() if not rest}
    train, test = (_below(level, (one for one in found if kinds[one] == of)) for of in ("train", "test"))
    others = _below(level, level.keys() - found.keys())
    one_is = {"train", "test"} <= alone or (alone and len(found) == len(level))
    if not one_is and not (train & test and not train & others):
        return {}
    return {name: "none" if NO_PICTURES & set(rest) else kind for name, (kind, rest) in found.items()}


def _below(level: Mapping[str, set[str]], names: Iterable[str]) -> set[str]:
    """Return the folders in some folders, without those that say only that there are pictures in them."""
    return {one for name in names for one in level[name] if one.lower() not in PLAIN}


def _around(folders: Iterable[Folders], is_around: Callable[[str], bool] | None = None) -> int:
    """Return how many folders are around all others and are no classes.

    By default a folder without others beside it is one if all pictures are deeper, or in two folders, or if
    its name only says that there are pictures; and so are the folders of a cross-validation, and the numbered
    parts of a large set.
    """
    depth = 0
    while True:
        level = {one[depth] for one in folders if len(one) > depth}
        deeper = {one[depth + 1] for one in folders if len(one) > depth + 1}
        ends = any(len(one) == depth + 1 for one in folders)
        if is_around is not None:
            goes_on = len(level) == 1 and is_around(*level)
        elif len(level) == 1:
            goes_on = len(deeper) > ends or next(iter(level)).lower() in PLAIN
        else:
            folds = bool(deeper) and not ends and all(map(_FOLD.fullmatch, level))
            goes_on = folds or (bool(level) and all(map(_PART.fullmatch, level)))
        if not goes_on:
            return depth
        depth += 1


def _is_no_class(part: str, name: str) -> bool:
    return name.lower() in (*PLAIN, part.lower()) or bool(_kinds({name: set()}))
