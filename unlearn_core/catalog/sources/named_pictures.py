"""The pictures that the rows of a table mean."""

import re
from collections.abc import Callable, Mapping
from unicodedata import normalize

from unlearn_core.catalog.sources.split_words import Kind, split_of
from unlearn_core.catalog.sources.walk import folders_around

_FULL = re.compile(r"/|[a-zA-Z]+:")
"""A path from the top of a machine, or an address."""


class NamedPictures:
    """The pictures of a set, to be found by what the rows of its tables call them.

    Args:
        is_test: of each picture, by its path with `/` in the set.
    """

    def __init__(self, is_test: Mapping[str, bool]) -> None:
        self._folders = {f"{folder}/" for name in is_test for folder in folders_around(name)}
        self._has_split = len(set(is_test.values())) > 1
        self._paths: dict[str, str | None] = {}
        self._last: dict[tuple[str, bool], str | None] = {}
        for name, of in is_test.items():
            short = _without_ending(name)
            self._paths[short] = None if short in self._paths else name
            for last in {_last(name), _last(short)}:
                self._last[last, of] = None if (last, of) in self._last else name
        self._paths |= {name: name for name in is_test}

    def in_table(self, table: str) -> Callable[[str], str | None]:
        """Return a function from the path in a row of a table to that of a picture, None for none or several.

        The path is one from the table's folder or, as `Test.csv` of GTSRB is beside `Test`, from the folder
        of the table's name. Else that picture is meant whose name no other has: below the table's folder if
        there are any, and in a table such as `train.csv` none for testing. The ending may be missing.
        Of a full path only the name counts then.
        """
        own = table[: -len(_last(table))]
        scope = own if own in self._folders else ""
        kind = split_of_table(table) if self._has_split else None
        tests = (False, True) if kind is None else (kind == "test",)

        def find(path: str) -> str | None:
            path = normalize("NFC", path.replace("\\", "/").removeprefix("./"))
            for folder in (own, f"{_without_ending(table)}/", scope):
                if found := self._paths.get(folder + path):
                    return found
            some = [self._last[last] for of in tests if (last := (_last(path), of)) in self._last]
            found = some[0] if len(some) == 1 else None
            if found is None or not found.startswith(scope):
                return None
            if _FULL.match(path):
                # Of another machine, where other folders were around the set.
                return found
            ends = (f"/{one}".endswith(f"/{path}") for one in (found, _without_ending(found)))
            return found if any(ends) else None

        return find


def split_of_table(table: str) -> Kind | None:
    """Return train or test if the name of a table says that its pictures are for that."""
    found = split_of(_last(_without_ending(table)))
    return found[0] if found and found[0] in ("train", "test") else None


def _last(name: str) -> str:
    return name.rpartition("/")[2]


def _without_ending(name: str) -> str:
    return name.rpartition(".")[0]
