"""Whether a preparation is wanted, also where its file cannot be read or written."""

from pathlib import Path

import pytest

from unlearn_core.errors import UserError
from unlearn_core.store.wanted import Wanted, want


def test_it_is_wanted_until_it_ends(tmp_path: Path) -> None:
    wanted = want(tmp_path)
    assert wanted.waiting() == ""
    wanted.wait("0123abcd")
    assert wanted.waiting() == "0123abcd"
    wanted.end()
    assert wanted.waiting() is None
    # Who comes too late changes nothing.
    wanted.wait("0123abcd")
    wanted.end()
    assert not wanted.path.exists()


def test_a_folder_that_is_none_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / "workers").write_text("a file", encoding="utf-8")
    wanted = Wanted(tmp_path / "workers" / "preparing-1")
    wanted.wait("0123abcd")
    wanted.end()
    assert wanted.waiting() is None
    with pytest.raises(UserError, match="workers cannot be written"):
        want(tmp_path)
