"""A short form of `benchmarks.load`: a few people use one server at once, and nobody meets an error."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from benchmarks.load import measure

pytestmark = pytest.mark.browser


@pytest.mark.slow
def test_five_people_meet_no_error() -> None:
    # In a thread of its own: the browser of other tests keeps an event loop in this one.
    with ThreadPoolExecutor(1) as thread:
        found = thread.submit(measure, {"sessions": 5, "minutes": 10 / 60}).result()
    assert found["errors"] == []
    assert found["switches"]
    assert found["switches_in_browsers"]
