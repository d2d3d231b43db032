"""Names of classes that several classifiers and image sets share."""

import re
from collections import Counter
from collections.abc import Sequence
from functools import cache, lru_cache

from unlearn_core.errors import UserError

CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
DIGITS = tuple(str(digit) for digit in range(10))


_NUMBER = re.compile(r"(?:class[ _-]*)?([0-9]{1,9})(?:\.0+)?", re.IGNORECASE)


def class_numbers(names: Sequence[str]) -> list[int] | None:
    """Return the numbers that all the names are, as 7, 007, 7.0 or class 7; None if one is none."""
    found = [_NUMBER.fullmatch(name.strip()) for name in names]
    return [int(one[1]) for one in found if one] if all(found) and found else None


def class_choices(names: Sequence[str]) -> tuple[str, ...]:
    """Return a text to choose each class by: its name, with its index where others have the same."""
    often = Counter(names)
    return tuple(f"{name} (#{index})" if often[name] > 1 else name for index, name in enumerate(names))


def classes_called(text: str, names: Sequence[str]) -> list[int]:
    """Return the classes of this name or choice, else the one of this index, as 134 or #134."""
    found = [index for index, name in enumerate(names) if name == text]
    found = found or [index for index, name in enumerate(class_choices(names)) if name == text]
    number = re.fullmatch("#?([0-9]{1,9})", text)
    if not found and number and int(number[1]) < len(names):
        return [int(number[1])]
    return found


def class_called(text: str, names: Sequence[str]) -> int:
    """Return the class of this name or index; none, or several, raises `UserError`."""
    found = classes_called(text, names)
    if not found:
        raise UserError(f"There is no class {text!r}.")
    if len(found) > 1:
        numbers = " and ".join(f"#{index}" for index in found)
        raise UserError(f"There are {len(found)} classes {text!r}: name one by its number, {numbers}.")
    return found[0]


def short_class_name(name: str) -> str:
    """Return the first of a class's names: ImageNet lists several, separated by commas."""
    return name.split(",")[0]


@lru_cache(maxsize=8)
def short_class_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the short name of each class, with its index where others have the same."""
    return class_choices([short_class_name(name) for name in names])


@cache
def imagenet_classes() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return names and WordNet ids of ImageNet-1K's classes, in the usual order."""
    from timm.data import ImageNetInfo

    info = ImageNetInfo()
    classes = range(info.num_classes())
    names = tuple(info.index_to_description(index) for index in classes)
    return names, tuple(info.index_to_label_name(index) for index in classes)
