"""Input that a person hardly types, and outputs that nobody reads: one sentence or nothing, no traceback."""

import os

import pytest

from unlearn_core.commands.main import main
from unlearn_core.store.runs import Store

NOT_TEXT = os.fsdecode(b"\xff\xfe")


@pytest.mark.parametrize(
    "arguments",
    [
        ("forget", "--classifier", NOT_TEXT),
        ("forget", "--images", f"folder:/tmp/{NOT_TEXT}"),
        ("forget", "--name", NOT_TEXT),
        ("runs", "show", NOT_TEXT),
        ("remove", NOT_TEXT),
    ],
    ids=ascii,
)
def test_bytes_that_are_not_text_are_one_sentence(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert said.startswith("unlearn_core: The argument b'")
    assert said.endswith(r"\xff\xfe' is not text in UTF-8." + "\n")
    assert Store().runs() == []
