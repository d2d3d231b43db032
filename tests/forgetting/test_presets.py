"""The paper's numbers."""

import pytest

from unlearn_core.errors import UserError
from unlearn_core.forgetting.presets import PRESETS, preset_options


def test_presets_equal_the_papers_numbers() -> None:
    numbers = {
        name: (one.radius, one.examples, one.adversarial_batch, one.forget_batch)
        for name, one in PRESETS.items()
    }
    assert numbers == {
        "cifar10-resnet18": (4, 20, 256, 32),
        "cifar100-resnet50": (4, 200, 256, 32),
        "cifar100-vit": (4, 200, 512, 32),
        "imagenet-resnet50": (4, 200, 128, 16),
        "utkface-resnet18": (2, 300, 128, 128),
    }


def test_a_method_gets_the_numbers_that_it_has_options_for() -> None:
    assert preset_options("utkface-resnet18", "neggrad") == {"forget_batch": 128}
    assert preset_options("cifar100-vit", "adv")["adversarial_batch"] == 512


@pytest.mark.parametrize(("name", "method"), [("mnist", "adv"), ("cifar100-vit", "anchor")])
def test_other_names_are_one_sentence(name: str, method: str) -> None:
    with pytest.raises(UserError, match=r"\.$"):
        preset_options(name, method)
