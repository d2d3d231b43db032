"""Results: the command line's JSON, also of rows that an earlier version wrote."""

import json

import pytest
from pydantic import ValidationError

from tests import made
from unlearn_core.artifacts.results import Result

GROUP = {"before": 100.0, "after": 50.0, "n": 4}
FIRST = {
    "classifier": "mnist-resnet",
    "images": "mnist",
    "method": "anchor",
    "goal": "misclassify",
    "device": "cpu",
    "seed": 0,
    "k": 4,
    "ids": [3, 14, 15, 92],
    "accuracy": {"forget": GROUP, "retain": {"before": None, "after": None, "n": 0}, "test": GROUP},
    "agreement": {"retain": None, "test": 70.0},
    "seconds": {"load": 0.1, "attack": 0.0, "importance": 0.0, "optimise": 1.5, "measure": 2.0, "total": 3.6},
    "steps": 7,
    "stopped": "forgotten",
}
"""As the first version printed it."""

LATER = {
    "run": "0123abcd",
    **FIRST,
    "after": None,
    "earlier": [{"run": "f00dfeed", "ids": [1], "labels": [7], "before": 0.0, "after": 100.0, "n": 1}],
    "retained_used": 0,
    "frontier": [{"step": 0, "forgotten": 0.0, "retain": 99.219}],
    "remarks": ["1 of the 1 pictures forgotten by run f00dfeed are recognised."],
}


@pytest.mark.parametrize("kept", [FIRST, LATER], ids=["first version", "this version"])
def test_a_row_is_printed_as_it_was_written(kept: dict[str, object]) -> None:
    text = json.dumps(kept)
    assert json.dumps(Result.model_validate_json(text).to_json()) == text


def test_what_an_earlier_version_did_not_measure_is_empty() -> None:
    result = Result.model_validate(FIRST)
    assert (result.run, result.after, result.retained_used) == (None, None, 0)
    assert (result.earlier, result.frontier, result.remarks) == ((), (), ())


def test_numbers_are_attributes() -> None:
    result = Result.model_validate(LATER)
    assert (result.accuracy.forget.after, result.accuracy.retain.before) == (50.0, None)
    assert (result.agreement.test, result.seconds.optimise) == (70.0, 1.5)
    assert (result.earlier[0].recognised, result.frontier[0].retain) == (1, 99.219)
    assert list(result.accuracy.by_group()) == ["forget", "retain", "test"]
    assert result.agreement.by_group() == {"retain": None, "test": 70.0}


def test_a_result_without_its_numbers_is_none() -> None:
    with pytest.raises(ValidationError, match="accuracy"):
        Result.model_validate({"steps": 7})
    with pytest.raises(ValidationError, match="stopped"):
        made.result(stopped="tired")
