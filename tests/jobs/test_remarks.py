"""What a result says of its end, and calls that cannot be met, on a few digits."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import save_file

from tests.made import result
from tests.quick import QUICK
from unlearn_core import ForgetRequest, UserError, load_classifier, load_images, unlearn
from unlearn_core.artifacts.results import COPIES
from unlearn_core.catalog.classifiers import Classifier
from unlearn_core.catalog.image_sets import ImageSet
from unlearn_core.commands.forget import _in_words
from unlearn_core.forgetting.methods.anchor import Anchor
from unlearn_core.forgetting.methods.scrub import Scrub
from unlearn_core.jobs.job import Found, Job
from unlearn_core.jobs.report import Report


@pytest.fixture
def classifier() -> Classifier:
    return load_classifier("mnist-resnet")


@pytest.fixture
def few(classifier: Classifier) -> ImageSet:
    """Return 40 training and 20 test digits with the ids 0 to 59."""
    images = load_images("mnist", classifier)
    rows = np.concatenate([np.flatnonzero(~images.is_test)[:40], np.flatnonzero(images.is_test)[:20]])
    return replace(
        images,
        name="few",
        pixels=images.pixels[rows].copy(),
        ids=np.arange(60),
        is_test=images.is_test[rows],
        labels=images.labels[rows],
        labelled=images.labelled[rows],
    )


def test_beyond_the_weights_of_a_method_in_train_mode_outputs_stay_numbers(
    classifier: Classifier, few: ImageSet
) -> None:
    few_examples = {"examples": 4, "attack_iterations": 5}
    found = unlearn(
        classifier, few, pick="ids:0,1,2,3", method="adv", options=few_examples, max_steps=60, strength=1.5
    ).result
    assert found.depth is not None
    assert math.isfinite(found.depth.margin)


@pytest.mark.parametrize(("strength", "ending"), [(0.0, "identical to pictures to forget."), (1.0, COPIES)])
def test_copies_are_forgotten_only_where_the_pictures_are(
    classifier: Classifier, few: ImageSet, strength: float, ending: str
) -> None:
    few.pixels[7] = few.pixels[3]
    found = unlearn(classifier, few, pick="ids:3", options=QUICK, strength=strength).result
    (said,) = (remark for remark in found.remarks if "identical" in remark)
    assert said.endswith(ending)
    headline = _in_words(found, strength).splitlines()[0]
    assert headline.endswith(", then set to strength 0") == (strength == 0)


def test_relabelling_that_did_not_end_counts_the_new_classes(classifier: Classifier, few: ImageSet) -> None:
    ids, wanted = (0, 1, 2), (int(few.labels[1]) + 1) % 10
    # Picture 0 is taken for another class than its label, which is the most likely other one.
    few.labels[0] = (few.labels[0] + 1) % 10
    found = unlearn(
        classifier,
        few,
        pick=f"ids:{','.join(map(str, ids))}",
        goal="relabel",
        new_labels={1: wanted},
        method="neggrad",
        options={"learning_rate": 1e-6},
        max_steps=1,
    ).result
    assert [remark for remark in found.remarks if "new class" in remark] == [
        "1 of 3 has its new class from the start.",
        "1 of 3 has its new class after 1 step.",
    ]
    assert not [remark for remark in found.remarks if "Not everything" in remark]


def test_a_part_of_a_retrained_classifier_is_no_run_that_failed(
    classifier: Classifier, few: ImageSet, tmp_path: Path
) -> None:
    path = tmp_path / "weights.safetensors"
    save_file({name: one.contiguous() for name, one in classifier.module.state_dict().items()}, path)
    request = ForgetRequest(pick="ids:0", method="retrain", retained=20, strength=0.5)
    found = Found(path, result(method="retrain", stopped="step limit", steps=30), ())
    said = Job(request, classifier, few, found=found).run().result
    assert said.stopped == "step limit"
    assert [remark for remark in said.remarks if "Not everything" in remark] == []


@pytest.mark.parametrize("name", ["scrub", "jit", "ssd", "fine-tune", "retrain", "esc"])
def test_a_method_that_cannot_aim_is_not_asked_to_relabel(name: str) -> None:
    retained = 0 if name in ("jit", "esc") else 20
    request = ForgetRequest(method=name, goal="relabel", retained=retained)
    with pytest.raises(UserError, match=r"cannot relabel pictures: choose misclassify or another method\.$"):
        request.check_names()


def test_nor_is_an_instance_of_one(classifier: Classifier, few: ImageSet) -> None:
    with pytest.raises(UserError, match="SCRUB cannot relabel pictures"):
        unlearn(classifier, few, pick="ids:0", goal="relabel", method=Scrub({}), retained=20)


def test_an_instance_that_is_used_again_forgets_like_a_new_one(classifier: Classifier, few: ImageSet) -> None:
    options = {**QUICK, "anchor_batch": 0}
    used = Anchor(dict(options))
    unlearn(classifier, few, pick="ids:0", method=used, max_steps=1)
    again, anew = (
        unlearn(classifier, few, pick=f"ids:{','.join(map(str, range(40)))}", method=one, max_steps=2)
        for one in (used, Anchor(dict(options)))
    )
    assert [step.loss for step in again.steps] == [step.loss for step in anew.steps]


def test_a_request_is_not_met_without_what_it_starts_from_or_measures_on(
    classifier: Classifier, few: ImageSet
) -> None:
    with pytest.raises(UserError, match=r"^The request starts after run 0123abcd: .* `reference`\.$"):
        unlearn(classifier, few, request=ForgetRequest(after="0123abcd"))
    with pytest.raises(UserError, match=r"^The request measures on photos: .* `measure_on`\.$"):
        unlearn(classifier, few, request=ForgetRequest(measure_on="photos"))


class CancelsTheAttack(Report):
    def __init__(self) -> None:
        self.attacks = False

    def phase(self, name: str) -> None:
        self.attacks = name == "attack"

    def cancelled(self) -> bool:
        return self.attacks


def test_a_run_that_is_cancelled_before_the_first_step_says_so(classifier: Classifier, few: ImageSet) -> None:
    found = unlearn(classifier, few, pick="ids:0", options=QUICK, report=CancelsTheAttack()).result
    assert (found.stopped, found.steps) == ("cancelled", 0)
    assert found.accuracy.forget.after == found.accuracy.forget.before
    assert "cancelled before the first step" in _in_words(found, 1.0)
