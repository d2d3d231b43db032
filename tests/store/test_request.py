import pytest

from unlearn_core.errors import UserError
from unlearn_core.store.request import ForgetRequest


def test_a_request_survives_json() -> None:
    request = ForgetRequest.parse(pick="ids:3", goal="relabel", new_labels={3: 8}, options={"margin": 2})
    assert ForgetRequest.model_validate_json(request.model_dump_json()) == request


@pytest.mark.parametrize(
    "wrong",
    [
        {"goal": "delete"},
        {"seed": -1},
        {"max_steps": 0},
        {"device": "abacus"},
        {"new_labels": {"three": 8}},
        {"surprise": 1},
    ],
)
def test_a_value_out_of_range_is_one_sentence_that_names_it(wrong: dict[str, object]) -> None:
    with pytest.raises(UserError) as error:
        ForgetRequest.parse(**wrong)
    assert next(iter(wrong)) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"classifier": "vgg"}, "no classifier vgg; available: mnist-resnet"),
        ({"images": "cats"}, "no image set cats; available: mnist"),
        ({"measure_on": "cats"}, "no image set cats"),
        ({"method": "magic"}, "no method magic; available: anchor"),
        ({"options": {"speed": 3}}, "no option speed; it has"),
        ({"options": {"margin": -3}}, "must be a number from 0"),
        ({"pick": "all"}, "'all' is not a pick"),
        ({"pick": "ids:"}, "The pick is empty"),
        ({"pick": "random:0"}, "at least 1"),
    ],
)
def test_names_that_do_not_exist_are_one_sentence(wrong: dict[str, object], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        ForgetRequest.parse(**wrong).check_names()
