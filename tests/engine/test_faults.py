"""The short form of `benchmarks.faults`: a server that is killed loses nothing."""

import sys

import pytest

from benchmarks.faults import measure


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="workers end with their server only elsewhere")
def test_after_a_killed_server_the_run_goes_on_to_the_same_weights() -> None:
    found = measure({"round": 7, "seed": 0})
    assert found["fault"] == "server"
    assert (found["lost"], found["damaged"], found["not_resumable"]) == (0, 0, 0)
