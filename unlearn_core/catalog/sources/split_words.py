"""The words for a split, in names of folders and files and in the cells of tables."""

import re
from typing import Literal

Kind = Literal["train", "test", "unlabelled", "none"]
Words = tuple[str, ...]

_WORDS: dict[str, Kind] = {
    **dict.fromkeys(("train", "training", "trainval"), "train"),
    **dict.fromkeys(("test", "testing", "val", "valid", "validation"), "test"),
    **dict.fromkeys(("dev", "eval", "evaluation", "holdout"), "test"),
    **dict.fromkeys(("pred", "prediction", "predictions", "unlabeled", "unlabelled"), "unlabelled"),
    "meta": "none",
}
"""Pictures to predict have no label and count as test pictures."""

PLAIN = ("image", "images", "img", "imgs", "jpegimages", "pictures")
"""They only say that there are pictures."""

_NEUTRAL = ("set", "data", "dataset", "split", "folder", "input", "inputs")


def split_of(name: str) -> tuple[Kind, Words] | None:
    """Return what a name is that has a word for a split first or last, and its other words; None for others.

    So train2017, seg_test and PrivateTest are parts of a set.
    """
    words = _words(name)
    for place in (0, len(words) - 1) if words else ():
        if words[place] in _WORDS:
            return _WORDS[words[place]], words[:place] + words[place + 1 :]
    return None


def _words(name: str) -> Words:
    """Return the words of a name, without those that say only that there are pictures."""
    words = re.findall("[a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower())
    return tuple(word for word in words if word not in PLAIN and word not in _NEUTRAL)
