"""The one call: its arguments, methods of one's own, and what it reports."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from tests.made import write_reference
from tests.quick import QUICK
from unlearn_core import ForgetRequest, UserError, load_classifier, load_images, unlearn
from unlearn_core.catalog.classifiers import Classifier
from unlearn_core.catalog.image_sets import ImageSet
from unlearn_core.forgetting.methods.base import CancelledError, Losses, Method, Task
from unlearn_core.forgetting.methods.neggrad import NegGrad
from unlearn_core.forgetting.step import Step
from unlearn_core.jobs.report import Outcome, Report
from unlearn_core.store.request import DEFAULT


class Gentle(Method):
    """Leads the pictures away in plain gradient steps."""

    def optimiser(self, module: nn.Module) -> torch.optim.Optimizer:
        return torch.optim.Adam(module.parameters(), self.options["learning_rate"])

    def losses(self, task: Task) -> Losses:
        everyone = torch.arange(len(task.pixels), device=task.pixels.device)
        loss = task.goal.margin_loss(task.module(task.pixels), everyone, 1.0).mean()
        return Losses(loss, loss)


@pytest.fixture
def classifier() -> Classifier:
    return load_classifier("mnist-resnet")


@pytest.fixture
def images(classifier: Classifier) -> ImageSet:
    return load_images("mnist", classifier)


def test_a_method_of_ones_own_runs_under_the_name_of_its_class(
    classifier: Classifier, images: ImageSet
) -> None:
    before = {name: tensor.clone() for name, tensor in classifier.module.state_dict().items()}
    outcome = unlearn(classifier, images, pick="ids:3,14", method=Gentle({"learning_rate": 1e-3}))
    assert (outcome.result.method, outcome.result.stopped) == ("Gentle", "forgotten")
    assert outcome.result.accuracy.forget.after == 0
    assert not [remark for remark in outcome.result.remarks if "identical" in remark]
    after = classifier.module.state_dict()
    assert all(torch.equal(tensor, after[name]) for name, tensor in before.items())
    with pytest.raises(TypeError, match="has its own options"):
        unlearn(classifier, images, method=Gentle({"learning_rate": 1e-3}), options={"margin": 2})


def test_pictures_that_are_identical_to_forgotten_ones_are_said(
    classifier: Classifier, images: ImageSet
) -> None:
    few = np.concatenate([np.flatnonzero(~images.is_test)[:30], np.flatnonzero(images.is_test)[:30]])
    pixels = images.pixels[few].copy()
    pixels[[5, 7, -1]] = pixels[3]
    # The same row in the middle is not the same picture.
    pixels[9, 14] = pixels[3, 14]
    small = replace(
        images,
        pixels=pixels,
        ids=np.arange(60),
        is_test=images.is_test[few],
        labels=images.labels[few],
        labelled=images.labelled[few],
    )
    outcome = unlearn(classifier, small, pick="ids:3,5", method=Gentle({"learning_rate": 1e-3}))
    assert [remark for remark in outcome.result.remarks if "identical" in remark] == [
        "1 of the kept pictures (D_r) and 1 of the pictures never seen (D_test) are identical to forgotten "
        "ones, and forgotten with them."
    ]


def test_the_options_of_an_instance_are_completed_and_checked(
    classifier: Classifier, images: ImageSet
) -> None:
    method = NegGrad({})
    unlearn(classifier, images, pick="ids:3", max_steps=1, method=method)
    assert method.options == NegGrad.entry.complete({})
    with pytest.raises(UserError, match=r"must be a number from .* not nan"):
        unlearn(classifier, images, method=NegGrad({"learning_rate": float("nan")}))
    with pytest.raises(UserError, match="no option margin"):
        unlearn(classifier, images, method=NegGrad({"margin": 1}))
    with pytest.raises(TypeError, match=r"an instance of a Method class, such as NegGrad\(\{...\}\)"):
        unlearn(classifier, images, method=NegGrad)  # type: ignore[arg-type]


def test_a_request_and_its_fields_ask_for_the_same(classifier: Classifier, images: ImageSet) -> None:
    fields = {"pick": "ids:3,14", "max_steps": 2, "options": QUICK}
    request = ForgetRequest.parse(classifier="another", images="others", **fields)
    one = unlearn(classifier, images, request=request).result
    other = unlearn(classifier, images, pick="ids:3,14", max_steps=2, options=QUICK).result
    assert one.model_copy(update={"seconds": other.seconds}) == other
    assert (one.classifier, one.images) == ("mnist-resnet", "mnist")


def test_a_request_beside_its_fields_and_a_misspelt_field_are_refused(
    classifier: Classifier, images: ImageSet
) -> None:
    with pytest.raises(TypeError, match="not both"):
        unlearn(classifier, images, request=DEFAULT, seed=1)
    with pytest.raises(TypeError, match="sede"):
        unlearn(classifier, images, sede=1)  # type: ignore[call-arg]
    with pytest.raises(UserError, match="seed"):
        unlearn(classifier, images, seed=-1)
    with pytest.raises(UserError, match="There is no method magic"):
        unlearn(classifier, images, method="magic")


class Notes(Report):
    """Writes down what it is told, and cancels once asked for the time that is named."""

    def __init__(self, cancel_at: int = -1) -> None:
        self.phases: list[str] = []
        self.shares: list[float] = []
        self.steps: list[tuple[Step, float | None]] = []
        self.snapshots: list[int] = []
        self.outcomes: list[Outcome] = []
        self.cancel_at = cancel_at

    def phase(self, name: str) -> None:
        self.phases.append(name)

    def progress(self, share: float) -> None:
        self.shares.append(share)

    def step(self, step: Step, retain_accuracy: float | None) -> None:
        self.steps.append((step, retain_accuracy))

    def snapshot(self, step: int, module: nn.Module) -> None:
        self.snapshots.append(step)

    def result(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)

    def cancelled(self) -> bool:
        return len(self.steps) > self.cancel_at >= 0


def test_a_report_is_told_everything(classifier: Classifier, images: ImageSet) -> None:
    notes = Notes()
    outcome = unlearn(classifier, images, pick="ids:3,14", options=QUICK, report=notes)
    assert notes.phases[0] == notes.phases[-1] == "measure"
    assert "optimise" in notes.phases
    assert all(0 <= share <= 1 for share in notes.shares)
    assert [step for step, _ in notes.steps] == list(outcome.steps)
    assert notes.snapshots[0] == 0
    assert notes.snapshots[-1] == outcome.result.steps
    measured = [round(kept, 3) for _, kept in notes.steps if kept is not None]
    assert measured == [point.retain for point in outcome.result.frontier][: len(measured)]
    assert notes.outcomes == [outcome]
    assert outcome.result.run is None


def test_a_report_cancels_before_and_during_forgetting(classifier: Classifier, images: ImageSet) -> None:
    at_once, later = Notes(cancel_at=0), Notes(cancel_at=1)
    at_once.steps.append((Step(0, None, None, None, 0, 1, 100.0, None, None), None))
    with pytest.raises(CancelledError):
        unlearn(classifier, images, pick="ids:3", options=QUICK, report=at_once)
    assert not at_once.outcomes
    slow = {"learning_rate": 1e-6}
    result = unlearn(classifier, images, pick="ids:3", method="neggrad", options=slow, report=later).result
    assert (result.stopped, result.steps) == ("cancelled", 1)
    assert [one.result for one in later.outcomes] == [result]


@pytest.mark.slow
def test_classifiers_that_never_saw_the_pictures_are_the_yardstick(
    classifier: Classifier, images: ImageSet, own_home: Path
) -> None:
    ids = images.ids[:20]
    request = {"pick": f"ids:{ids[3]},{ids[5]}", "options": QUICK}
    elsewhere = replace(images, name="other digits")
    assert unlearn(classifier, elsewhere, **request).result.never_seen is None  # type: ignore[arg-type]
    # Of two classifiers one is sure of every label by 6 logits, the other of the class after it.
    write_reference(ids, images.labels[:20], unrecognised=ids)
    numbers = unlearn(classifier, images, **request).result.never_seen  # type: ignore[arg-type]
    assert numbers is not None
    assert (numbers.recognised, numbers.margin) == (50, 0)
    # Forgotten just enough: less sure than the one that is sure, surer than the one that is not.
    assert numbers.auc == 0.5
    unknown = unlearn(classifier, images, pick=f"ids:{images.ids[25]}", options=QUICK)
    assert unknown.result.never_seen is None


def test_the_most_memorised_are_those_that_others_do_not_recognise(
    classifier: Classifier, images: ImageSet, own_home: Path
) -> None:
    # The name has what no file name may have.
    elsewhere = replace(images, name="folder:/my/digits?" + "é" * 60)
    ids = images.ids[:20]
    write_reference(ids, images.labels[:20], ids[[4, 7]], elsewhere.name)
    (path,) = (own_home / "never_seen").iterdir()
    result = unlearn(classifier, elsewhere, pick="memorised:2", options=QUICK).result
    assert sorted(result.ids) == [ids[4], ids[7]]
    assert result.never_seen is not None
    assert result.never_seen.recognised == 50
    with pytest.raises(UserError, match="no classifiers that never saw"):
        unlearn(classifier, replace(images, name="other digits"), pick="memorised:2", options=QUICK)
    path.write_bytes(b"no archive")
    with pytest.raises(UserError, match="make it again"):
        unlearn(classifier, elsewhere, pick="memorised:2", options=QUICK)


def test_a_sample_is_measured_and_the_result_says_how_far_it_may_be_from_all(
    classifier: Classifier, images: ImageSet
) -> None:
    some, every = (
        unlearn(classifier, images, pick="ids:3,14", options=QUICK, measure=measure) for measure in (300, 0)
    )
    accuracy = some.result.accuracy
    assert accuracy.forget.n == 2
    assert (accuracy.retain.n + accuracy.test.n, every.result.accuracy.retain.n) == (300, 3998)
    assert some.result.accuracy.forget == every.result.accuracy.forget
    (said,) = (remark for remark in some.result.remarks if remark.startswith("Measured on"))
    assert said.startswith("Measured on 300 of the 4,998 other pictures, drawn at random")
    places = {int(one): place for place, one in enumerate(every.comparison.ids)}
    rows = [places[int(one)] for one in some.comparison.ids]
    for name in ("group", "labels", "before", "after", "after_confidences"):
        expected = getattr(every.comparison, name)[rows]
        np.testing.assert_allclose(getattr(some.comparison, name), expected, atol=1e-5)
