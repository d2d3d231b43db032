"""Names of classes that several classifiers and image sets share."""

import re
from collections.abc import Sequence
from functools import cache

CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
DIGITS = tuple(str(digit) for digit in range(10))


_NUMBER = re.compile(r"(?:class[ _-]*)?([0-9]{1,9})(?:\.0+)?", re.IGNORECASE)


def class_numbers(names: Sequence[str]) -> list[int] | None:
    """Return the numbers that all the names are, as 7, 007, 7.0 or class 7; None if one is none."""
    found = [_NUMBER.fullmatch(name.strip()) for name in names]
    return [int(one[1]) for one in found if one] if all(found) and found else None


def short_class_name(name: str) -> str:
    """Return the first of a class's names: ImageNet lists several, separated by commas."""
    return name.split(",")[0]


@cache
def imagenet_classes() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return names and WordNet ids of ImageNet-1K's classes, in the usual order."""
    from timm.data import ImageNetInfo

    info = ImageNetInfo()
    classes = range(info.num_classes())
    names = tuple(info.index_to_description(index) for index in classes)
    return names, tuple(info.index_to_label_name(index) for index in classes)
