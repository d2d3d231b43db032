"""Builds the task of a method from a request and its pictures."""

import copy
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from unlearn_core.artifacts.predictions import EARLIER
from unlearn_core.catalog.classifiers import Classifier
from unlearn_core.catalog.shipped.training import RECIPES, Training
from unlearn_core.common.budget import sample
from unlearn_core.errors import UserError
from unlearn_core.forgetting.goals import Goal, Misclassify, Relabel, runner_up
from unlearn_core.forgetting.methods.base import Task, logits_of
from unlearn_core.forgetting.retained import Retained
from unlearn_core.jobs.data_split import JobPictures
from unlearn_core.jobs.report import Report
from unlearn_core.measuring.predict import to_pixels
from unlearn_core.store.request import ForgetRequest


def make_task(
    request: ForgetRequest,
    pictures: JobPictures,
    module: nn.Module,
    *,
    reference: nn.Module | None,
    keeps_earlier: bool,
    report: Report,
    seconds: dict[str, float],
) -> Task:
    """Return the task of a request after its pictures are chosen.

    Args:
        request: of the job.
        pictures: after `choose`.
        module: the network that is trained to forget, on its device.
        reference: the classifier before the first run of a chain.
        keeps_earlier: earlier forget sets are part of the task.
        report: receives phases, and may cancel.
        seconds: gets the time spent in each phase.

    Raises:
        UserError: impossible new labels, or no retained pictures to train on.
    """
    positions = pictures.positions
    if keeps_earlier:
        positions = np.concatenate([positions, np.flatnonzero(pictures.group == EARLIER)])
    labels = torch.from_numpy(pictures.labels[positions]).to(pictures.device)
    pixels = to_pixels(pictures.own.pixels[positions], pictures.device)
    task = Task(
        module=module,
        pixels=pixels,
        labels=labels,
        goal=_goal(request, pictures.picked, module, pixels, labels),
        generator=torch.Generator().manual_seed(request.seed),
        retained=_retained(request, pictures),
        reference=reference,
        retrain=_retraining(request),
        asked=len(pictures.picked),
    )
    report_to(report, task, seconds)
    return task


def report_to(report: Report, task: Task, seconds: dict[str, float]) -> None:
    """Let a task report its phases, which `report` may cancel, and add the time of each to `seconds`."""
    task.cancelled, task.entered, task.progressed = report.cancelled, report.phase, report.progress
    task.counted, task.showed, task.seconds = report.counted, report.look_alikes, seconds


def copy_to(classifier: Classifier, device: torch.device) -> Classifier:
    """Return a copy of a classifier on a device, in eval mode and with channels last."""
    other = copy.copy(classifier)
    other.module = copy.deepcopy(classifier.module).to(device).to(memory_format=torch.channels_last).eval()
    return other


def _goal(
    request: ForgetRequest, picked: list[int], module: nn.Module, pixels: Tensor, labels: Tensor
) -> Goal:
    if request.goal == "misclassify":
        return Misclassify(labels)
    logits = logits_of(module, pixels)
    new_labels = runner_up(logits, labels)
    for one, label in request.new_labels.items():
        if one not in picked:
            raise UserError(f"Picture {one} has a new label but is not in the forget set.")
        position = picked.index(one)
        if not 0 <= label < logits.shape[1] or label == labels[position]:
            raise UserError(f"{label} cannot be the new label of picture {one}.")
        new_labels[position] = label
    return Relabel(new_labels)


def _retained(request: ForgetRequest, pictures: JobPictures) -> Retained | None:
    """Return the retained pictures that the method may train on."""
    if not request.retained:
        return None
    own = pictures.retained(own=True)
    images = pictures.own
    if not len(own):
        raise UserError(f"{images.name} has no retained pictures to train on.")
    chosen = sample(own, request.retained, request.seed)
    pixels = torch.from_numpy(images.pixels[chosen]).permute(0, 3, 1, 2)
    return Retained(pixels, torch.from_numpy(pictures.labels[chosen]))


def _retraining(request: ForgetRequest) -> Callable[[Retained], Training] | None:
    recipe = RECIPES.get(request.classifier)
    if recipe is None:
        return None
    return lambda retained: Training(recipe, retained.pixels, retained.labels, request.seed)
