"""What is measured part by part: which parts come next."""

import numpy as np

from pages.replay.parts import Parts
from unlearn_core.engine.looks import PointRequest


def test_points_halve_the_widest_gaps_and_frames_lie_near_the_chosen_one() -> None:
    parts = Parts("line", lambda place: PointRequest("run", place), ("strengths",), "points")
    everything = np.arange(9.0)
    known = [0.0, 5.0]
    order = []
    while places := parts.next_finer({"all_strengths": everything, "strengths": np.array(known)}):
        order.append(places)
        known += places
    assert order == [[8], [4], [2, 6], [1, 3, 7]]
    some = {"all_strengths": everything, "strengths": np.array([0.0, 8.0])}
    assert parts.missing(some, 5) == [5, 4, 6, 3, 7, 2, 1]
    assert parts.missing({**some, "strengths": everything}, 5) == []
