"""What is asked of an algorithm: settings with their ranges, and the request."""

import json
import pickle
from collections.abc import Mapping

import pytest

from unlearn_core.errors import UserError
from unlearn_core.measuring.attribution.registry import algorithm_entry
from unlearn_core.measuring.attribution.request import AttributionRequest
from unlearn_core.measuring.attribution.settings import (
    BASELINE,
    NOISE,
    PATCHES,
    Number,
    Settings,
    SettingValue,
)


def test_what_an_algorithm_does_not_use_is_no_part_of_its_key() -> None:
    given: Settings = {"noise": 0.2, "patches": 4}
    saliency, occlusion = algorithm_entry("saliency"), algorithm_entry("occlusion")
    assert saliency.complete(saliency.own(given)) == saliency.complete({}) == {}
    assert occlusion.complete(occlusion.own(given)) == {"baseline": "empty", "patches": 4}
    assert occlusion.complete({}) == {"baseline": "empty", "patches": 7}


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"baseline": "purple"}, "no baseline purple; available: empty, black"),
        ({"patches": 1}, "patches must be a whole number from 2 to 28, not 1"),
        ({"patches": 2.5}, "a whole number"),
        ({"patches": "7"}, "a whole number"),
        ({"noise": 0.0}, "above 0"),
        ({"noise": float("nan")}, "above 0"),
        ({"patchs": 7}, "Occlusion has no setting patchs; it has baseline, patches"),
    ],
)
def test_impossible_settings_are_one_sentence(settings: dict[str, SettingValue], sentence: str) -> None:
    algorithm = "gradient-shap" if "noise" in settings else "occlusion"
    with pytest.raises(UserError, match=sentence):
        AttributionRequest.parse("0" * 8, [3], algorithm, settings=settings)


@pytest.mark.parametrize(
    ("name", "default"), [("target", 1), ("run", 1), ("Big", 1), ("two words", 1), ("small", 11)]
)
def test_a_setting_that_cannot_be_declared(name: str, default: int) -> None:
    with pytest.raises(UserError):
        Number(name=name, title="Size", default=default, help="", minimum=0, maximum=10)


def test_a_number_has_the_type_of_its_default() -> None:
    assert [repr(PATCHES.check(7.0)), repr(NOISE.check(0.5))] == ["7", "0.5"]
    assert (PATCHES.allowed, NOISE.allowed) == ("from 2 to 28", "above 0 and at most 0.5")
    assert BASELINE.allowed == "empty, black, grey, white"


@pytest.mark.parametrize(
    ("ids", "sentence"), [((), "Choose 1 to 64 pictures"), (range(65), "Choose 1 to 64 pictures")]
)
def test_too_few_or_too_many_pictures(ids: range, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        AttributionRequest.parse("0" * 8, ids, "saliency")


def test_a_request_is_complete_equal_to_its_twin_and_plain() -> None:
    settings: Mapping[str, SettingValue] = {"patches": 4.0}
    request = AttributionRequest.parse("0" * 8, [3, 14], "occlusion", settings=settings)
    twin = AttributionRequest.parse(
        "0" * 8, (3, 14), "occlusion", "label", {"baseline": "empty", "patches": 4}
    )
    assert request == twin
    assert len({request, twin}) == 1
    assert request != AttributionRequest.parse("0" * 8, [3, 14], "occlusion")
    assert pickle.loads(pickle.dumps(request)) == request
    assert json.dumps(request.settings) == '[["baseline", "empty"], ["patches", 4]]'
