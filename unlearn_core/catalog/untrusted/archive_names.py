"""Names inside a .zip file, decoded: many programs write them in the encoding of their system, unsaid."""

import re
import unicodedata
import zipfile
from collections.abc import Iterable, Sequence

from unlearn_core.common.long_names import MOST_CHARACTERS, MOST_FOLDERS
from unlearn_core.errors import UserError

_UTF_8 = 0x800
"""The flag of names that are UTF-8. The format allows only cp437 without it, but few programs obey."""

_GUESSES = {"cp866": "CYRILLIC", "cp437": "LATIN", "cp850": "LATIN"}
"""Encodings of DOS and Windows, and the script of the letters in each."""


def member_names(members: Sequence[zipfile.ZipInfo]) -> tuple[list[str], str]:
    """Return the members' names with `/` between folders, and their encoding, "" if it is no guess.

    Names are composed (NFC): macOS writes letters and their accents apart. One that no computer has, with
    very many characters or folders, raises `UserError`.
    """
    for one in members:
        folders = sum(map(one.filename.count, "/\\"))
        if len(one.orig_filename) > MOST_CHARACTERS or folders > MOST_FOLDERS:
            raise UserError(f"The archive has a name that is too long or too deep: {one.filename[:80]!r} ….")
    raw = [None if one.flag_bits & _UTF_8 else one.orig_filename.encode("cp437") for one in members]
    encoding = _encoding([name for name in raw if name is not None and not name.isascii()])
    names = [
        member.filename if name is None else name.decode(encoding).partition("\0")[0]
        for member, name in zip(members, raw, strict=True)
    ]
    composed = [unicodedata.normalize("NFC", name).replace("\\", "/") for name in names]
    return composed, "" if encoding == "utf-8" else encoding


def _encoding(raw: list[bytes]) -> str:
    """Return the encoding of all names: UTF-8 if they are, else the first in which they are words."""
    try:
        b"\n".join(raw).decode()
    except UnicodeDecodeError:
        fitting = (
            one for one, script in _GUESSES.items() if _are_words((name.decode(one) for name in raw), script)
        )
        return next(fitting, "cp437")
    return "utf-8"


def _are_words(names: Iterable[str], script: str) -> bool:
    """Return whether what is not ASCII is letters of a script, as words have them.

    Cyrillic words have no ASCII letters between; Latin ones are told from Cyrillic ones by theirs.
    """
    found = (re.findall(r"\w+|[^\w\x00-\x7f]+", name) for name in names)
    words = [word for some in found for word in some if not word.isascii()]
    letters = [letter for word in words for letter in word if not (letter.isascii() or letter in "№°")]
    if not all(unicodedata.name(one, "").startswith(script) for one in letters):
        return False
    mixed = any(re.search("[a-zA-Z]", word) for word in words)
    return script == "LATIN" or (not mixed and any(len(word) > 1 for word in words))
