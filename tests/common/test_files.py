"""A file or folder is whole or not there."""

from pathlib import Path
from typing import TextIO

import numpy as np
import pytest

from unlearn_core.common.files import atomic_write, make_once, write_arrays, write_compressed


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "place").mkdir()
    return tmp_path / "place"


def test_a_file_takes_its_place_when_all_is_written(place: Path) -> None:
    path = place / "made" / "a.txt"
    with atomic_write(path) as half:
        half.write_text("new", encoding="utf-8")
        assert not path.exists()
        assert half.name == path.name
    assert path.read_text(encoding="utf-8") == "new"
    assert list(path.parent.iterdir()) == [path]


def test_a_folder_takes_its_place_when_all_is_written(place: Path) -> None:
    path = place / "a"
    with atomic_write(path) as half:
        half.mkdir()
        (half / "inside").write_text("new", encoding="utf-8")
        assert not path.exists()
    assert [one.name for one in path.iterdir()] == ["inside"]
    assert list(place.iterdir()) == [path]


def test_a_failure_leaves_what_was_there_and_nothing_else(place: Path) -> None:
    path = place / "a.txt"
    path.write_text("old", encoding="utf-8")

    def write_half(text: str) -> None:
        with atomic_write(path) as half:
            half.write_text(text, encoding="utf-8")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_half("new")
    assert path.read_text(encoding="utf-8") == "old"
    assert list(place.iterdir()) == [path]


def test_a_folder_that_was_deleted_stays_deleted(place: Path) -> None:
    with pytest.raises(FileNotFoundError), atomic_write(place / "deleted run" / "replay" / "a.npz"):
        pass
    assert not list(place.iterdir())


def test_what_is_there_is_not_made_again(place: Path) -> None:
    path, made = place / "a.npz", []

    def make() -> dict[str, np.ndarray]:
        made.append(path.exists())
        return {"numbers": np.arange(3)}

    for write in (write_arrays, write_compressed):
        assert make_once(path, make, write) == path
    assert made == [False]
    with np.load(path) as arrays:
        assert arrays["numbers"].tolist() == [0, 1, 2]


@pytest.mark.parametrize("name", ["a.npz", "a.npy"])
def test_what_is_damaged_is_made_again(place: Path, name: str) -> None:
    path = place / name
    write = {"a.npz": write_compressed, "a.npy": np.save}[name]
    numbers = np.arange(1000)
    made: object = {"numbers": numbers} if name == "a.npz" else numbers
    whole = make_once(path, lambda: made, write).read_bytes()  # type: ignore[arg-type]
    noise = np.random.default_rng(0).bytes(500)
    damaged = [b"", noise, b"PK\x03\x04" + noise, whole[:-100]]
    if name == "a.npz":
        damaged.append(whole[:400] + bytes(10) + whole[410:])
    for content in damaged:
        path.write_bytes(content)
        assert make_once(path, lambda: made, write).read_bytes() == whole  # type: ignore[arg-type]
    assert list(place.iterdir()) == [path]


def test_two_that_make_the_same_at_once_leave_a_whole_one(place: Path) -> None:
    path = place / "a.txt"

    def write_second(half: Path, text: str) -> None:
        half.write_text(text, encoding="utf-8")
        with atomic_write(path) as quicker:
            quicker.write_text(text, encoding="utf-8")
        reading.append(path.open(encoding="utf-8"))

    reading: list[TextIO] = []
    assert make_once(path, lambda: "made", write_second) == path
    with reading.pop() as read:
        assert read.read() == "made"
    assert path.read_text(encoding="utf-8") == "made"
    assert list(place.iterdir()) == [path]
