"""The process that reads untrusted files: its limits, and what it does after a fault."""

import codecs
import os
import sys
import time
from pathlib import Path

import pytest
import torch

from unlearn_core.catalog.custom import checkpoint
from unlearn_core.catalog.custom.checkpoint import check_checkpoint
from unlearn_core.catalog.untrusted.guard import Limits, guarded
from unlearn_core.commands.main import main
from unlearn_core.errors import UserError

ENOUGH = Limits(20, 10**9)


def test_what_the_reader_returns_comes_back() -> None:
    assert guarded("a list", ENOUGH, sorted, [3, 1, 2]) == [1, 2, 3]


def test_a_reader_that_takes_too_long_is_ended_and_replaced() -> None:
    start = time.monotonic()
    with pytest.raises(UserError, match=r"slow\.pt takes more than 1 seconds to read"):
        guarded("slow.pt", Limits(1, 10**9), time.sleep, 60)
    assert time.monotonic() - start < 55
    assert guarded("a list", ENOUGH, len, [1, 2]) == 2


def test_a_reader_that_takes_too_much_memory_is_told() -> None:
    with pytest.raises(UserError, match=r"big\.pt takes more than 0\.5 GB of memory"):
        guarded("big.pt", Limits(60, 5 * 10**8), bytearray, 3 * 10**9)
    assert guarded("a list", ENOUGH, len, [1, 2]) == 2


@pytest.mark.parametrize(
    ("reader", "arguments", "sentence"),
    [
        (int, ("x",), "is damaged .ValueError"),
        (os._exit, (1,), "its reader ended"),
        (os.listdir, ("/nowhere",), "is damaged .FileNotFoundError"),
    ],
)
def test_any_fault_of_a_reader_is_one_sentence(
    reader: type[int], arguments: tuple[object, ...], sentence: str
) -> None:
    with pytest.raises(UserError, match=f"odd.pt cannot be read: it is damaged|{sentence}") as error:
        guarded("odd.pt", ENOUGH, reader, *arguments)
    assert "\n" not in str(error.value)
    assert guarded("a list", ENOUGH, len, [1, 2]) == 2


def test_a_reader_sees_the_environment_of_its_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    for value in ("first", "second"):
        monkeypatch.setenv("UNLEARN_TEST", value)
        assert guarded("it", ENOUGH, os.getenv, "UNLEARN_TEST") == value


def test_a_checkpoint_of_very_many_tensors_is_refused_before_it_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "many.pt"
    torch.save({str(number): torch.zeros(0) for number in range(20)}, path)
    check_checkpoint(path)
    monkeypatch.setattr(checkpoint, "MOST_ENTRIES", 19)
    monkeypatch.setattr(torch, "load", None)
    with pytest.raises(UserError, match="too many for a classifier"):
        checkpoint.read_checkpoint(path)


def test_a_checkpoint_that_takes_too_much_memory_is_told(tmp_path: Path) -> None:
    path = tmp_path / "big.pt"
    torch.save({"a": torch.zeros(10**7)}, path)
    with pytest.raises(UserError, match=r"big\.pt takes more than 0\.0 GB of memory"):
        guarded("big.pt", Limits(60, 10**7), checkpoint.read_and_forget, path)


class Punycode:
    """A text that takes quadratic time to encode, by a function that torch calls for weights too."""

    def __reduce__(self) -> tuple[object, ...]:
        return codecs.encode, ("".join(map(chr, range(0x4E00, 0x9000))) * 3, "punycode")


def test_a_text_that_takes_very_long_does_not_hold_the_app(tmp_path: Path) -> None:
    path = tmp_path / "text.pt"
    torch.save({"weight": torch.zeros(1), "text": Punycode()}, path)
    assert path.stat().st_size < 200_000
    with pytest.raises(UserError, match=r"text\.pt takes more than 1 seconds to read"):
        guarded("text.pt", Limits(1, 10**9), checkpoint.read_and_forget, path)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
def test_a_list_of_names_that_never_ends_is_refused(
    own_home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        command = ["add", "classifier", "timm:resnet10t:random", "--class-names", str(path)]
        assert main(command) == 2
        assert f"{path.name} is not a file." in capsys.readouterr().err
