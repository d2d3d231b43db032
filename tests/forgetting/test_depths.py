import json
from pathlib import Path
from statistics import mean

import pytest

from unlearn_core.forgetting.depths import DEPTHS, DepthChoice, depth_number

MEASURED = Path(__file__).parents[2] / "benchmarks" / "results" / "depth.json"


@pytest.mark.parametrize(
    ("depth", "digits"),
    [(depth, digits) for depth in DEPTHS for digits in depth.measured],
    ids=lambda one: getattr(one, "name", None),
)
def test_the_price_that_is_shown_was_measured(depth: DepthChoice, digits: int) -> None:
    case = {"pick": f"random:{digits}", "depth": depth_number(depth.name)}
    kept = json.loads(MEASURED.read_text(encoding="utf-8")).values()
    same = [one for one in kept if case.items() <= one["case"].items()]
    assert sorted(one["case"]["seed"] for one in same) == [0, 1, 2]
    retain = mean(one["accuracy"]["retain"]["after"] for one in same)
    copies = mean(one["depth"]["changed_copies"]["after"] for one in same)
    said_retain, said_copies = depth.measured[digits]
    assert said_retain == pytest.approx(retain, abs=0.06)
    assert said_copies == pytest.approx(copies, abs=0.6)
    noun = "digit" if digits == 1 else "digits"
    assert f"on {digits} {noun}, mean of three runs, {said_retain}%" in depth.price(digits)


@pytest.mark.parametrize(("instances", "digits"), [(3, 4), (12, 16), (30, 16), (40, 64), (1000, 64)])
def test_the_price_is_that_of_about_as_many_instances(instances: int, digits: int) -> None:
    assert f"on {digits} digits" in DEPTHS[0].price(instances)
