"""A short form of `benchmarks.load`: a few people use one server at once, and nobody meets an error."""

import pytest

from benchmarks.load import measure

pytestmark = pytest.mark.browser


def test_five_people_meet_no_error() -> None:
    found = measure({"sessions": 5, "minutes": 10 / 60})
    assert found["errors"] == []
    assert found["switches"]
    assert found["switches_in_browsers"]
