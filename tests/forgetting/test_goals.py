import math

import pytest
import torch

from unlearn_core.forgetting.goals import Misclassify, Relabel, runner_up, split_logits

LOGITS = torch.tensor([[2.0, 0.0, 1.0], [0.0, 3.0, 0.0]])
LABELS = torch.tensor([0, 1])
BOTH = torch.arange(2)


def test_split_logits_separates_the_label_from_the_best_other() -> None:
    own, others = split_logits(LOGITS, LABELS)
    assert own.tolist() == [2.0, 3.0]
    assert others.tolist() == [1.0, 0.0]


def test_the_best_other_class_is_found_below_zero_too() -> None:
    negative = LOGITS - 10
    own, others = split_logits(negative, LABELS)
    assert own.tolist() == [-8.0, -7.0]
    assert others.tolist() == [-9.0, -10.0]
    assert runner_up(negative, LABELS).tolist() == [2, 0]
    assert runner_up(-negative, torch.tensor([1, 2])).tolist() == [2, 0]


def test_misclassify_paper_loss_is_minus_cross_entropy() -> None:
    expected = -(math.log(math.exp(2) + 1 + math.e) - 2)
    assert Misclassify(LABELS).paper_loss(LOGITS, BOTH)[0].item() == pytest.approx(expected, rel=1e-6)


def test_misclassify_margin_loss_counts_the_lead_plus_the_margin() -> None:
    assert Misclassify(LABELS).margin_loss(LOGITS, BOTH, 0.5).tolist() == [1.5, 3.5]


def test_misclassify_margin_loss_has_no_gradient_once_forgotten() -> None:
    logits = torch.tensor([[0.0, 2.0, 0.0]], requires_grad=True)
    Misclassify(torch.tensor([0])).margin_loss(logits, torch.tensor([0]), 1.0).sum().backward()
    assert logits.grad is not None
    assert not logits.grad.any()


def test_relabel_losses_lead_to_the_new_label() -> None:
    goal = Relabel(torch.tensor([2, 0]))
    expected = math.log(math.exp(2) + 1 + math.e) - 1
    assert goal.paper_loss(LOGITS, BOTH)[0].item() == pytest.approx(expected, rel=1e-6)
    assert goal.margin_loss(LOGITS, BOTH, 1.0).tolist() == [2.0, 4.0]


def test_losses_of_a_batch_use_the_labels_of_its_instances() -> None:
    second = torch.tensor([1])
    assert Misclassify(LABELS).margin_loss(LOGITS[1:], second, 0.0).tolist() == [3.0]
    for goal in (Misclassify(LABELS), Relabel(torch.tensor([2, 1]))):
        assert goal.paper_loss(LOGITS[1:], second).tolist() == goal.paper_loss(LOGITS, BOTH)[1:].tolist()


def test_reached() -> None:
    assert Misclassify(torch.tensor([1, 1])).reached(LOGITS).tolist() == [True, False]
    assert Relabel(torch.tensor([0, 0])).reached(LOGITS).tolist() == [True, False]
