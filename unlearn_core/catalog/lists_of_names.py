"""Lists of class names, as people have them: a name per line, with or without its index, or JSON."""

import ast
import json
import re
from collections.abc import Mapping, Sequence
from typing import TypeVar

from unlearn_core.errors import UserError

_T = TypeVar("_T")

_INDEXED = re.compile(r"(\d+)\s*[:,;\t ]\s*(.+)")
_LISTED = re.compile(r"-\s+(.+)")
_QUOTED = re.compile(r"""(["'])(.+)\1\s*,?""")


def names_in(text: str) -> tuple[str, ...]:
    """Return class names in the order of the logits.

    Lines may have an index, each from 0 or from 1 once, a hyphen or quotes around the name; a dictionary of
    JSON or Python may have indices as keys or as values.

    Raises:
        UserError: a list or dictionary that does not name the classes 0, 1, 2 … once each.
    """
    whole = text.strip()
    if whole[:1] + whole[-1:] in ("[]", "{}"):
        return _of_object(whole)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    for form in (_LISTED, _QUOTED):
        found = [form.fullmatch(line) for line in lines]
        if found and all(found):
            lines = [one[form.groups].strip() for one in found if one]
    indexed = [_INDEXED.fullmatch(line) for line in lines]
    if len(lines) > 1 and all(indexed):
        pairs = [(int(one[1]), one[2].strip()) for one in indexed if one]
        names = _in_order(pairs)
        # "1 star" and "2 star" are names.
        if names is not None and len(set(names)) == len(names):
            return names
    return tuple(lines)


def _of_object(text: str) -> tuple[str, ...]:
    found: object = None
    for read in (json.loads, ast.literal_eval):
        try:
            found = read(text)
            break
        # A text of the user's may be anything; what cannot be read is said below.
        except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
            continue
    names: Sequence[object] | None = found if isinstance(found, (list, tuple)) else None
    if isinstance(found, Mapping):
        keys = [*found]
        turned = not all(str(key).isdecimal() for key in keys)
        pairs = [(one, name) for name, one in found.items()] if turned else [*found.items()]
        numbers = [(int(str(one)), name) for one, name in pairs if str(one).isdecimal()]
        names = _in_order(numbers) if len(numbers) == len(pairs) else None
    if not names or not all(isinstance(name, str) and name.strip() for name in names):
        raise UserError(
            "The class names are neither a list of texts nor a dictionary with each index once: "
            "write one name per line."
        )
    return tuple(str(name).strip() for name in names)


def _in_order(pairs: Sequence[tuple[int, _T]]) -> tuple[_T, ...] | None:
    """Return values by their numbers, None if these are not 0, 1, 2 … or 1, 2, 3 … once each."""
    numbers = sorted(number for number, _ in pairs)
    if not numbers or numbers[0] > 1 or numbers != list(range(numbers[0], numbers[0] + len(numbers))):
        return None
    return tuple(value for _, value in sorted(pairs, key=lambda pair: pair[0]))
