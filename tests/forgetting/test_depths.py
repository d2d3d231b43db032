import json
from pathlib import Path
from statistics import mean

import pytest

from unlearn_core.forgetting.depths import DEPTHS, depth_number

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results" / "depth.json"


@pytest.mark.parametrize("depth", DEPTHS, ids=lambda depth: depth.name)
def test_the_price_that_is_shown_was_measured(depth) -> None:  # type: ignore[no-untyped-def]
    case = {"pick": "random:16", "depth": depth_number(depth.name)}
    kept = json.loads(RESULTS.read_text(encoding="utf-8")).values()
    same = [one for one in kept if case.items() <= one["case"].items()]
    assert sorted(one["case"]["seed"] for one in same) == [0, 1, 2]
    retain = mean(one["accuracy"]["retain"]["after"] for one in same)
    copies = mean(one["depth"]["changed_copies"]["after"] for one in same)
    assert depth.retain == pytest.approx(retain, abs=0.06)
    assert depth.copies == pytest.approx(copies, abs=0.6)
    assert f"{depth.retain:.1f} %" in depth.price
    assert f"{depth.copies:.0f} %" in depth.price
