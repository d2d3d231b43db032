"""Adversarial neighbours of pictures: what looks the same to us and another class to the classifier.

The paper (arXiv 2301.11578, section 3.2) keeps a classifier in place by such examples. Here they show how
near the next class was before, and what became of that border.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import ArrayLike

from unlearn_core.forgetting.adversarial import row_norms, targeted_l2_pgd
from unlearn_core.forgetting.goals import runner_up
from unlearn_core.measuring.attribution.explain import attribute, check_offered
from unlearn_core.measuring.attribution.registry import DEFAULT_SETTINGS, Settings
from unlearn_core.measuring.finished_run import load_finished_run
from unlearn_core.store.cache import cached
from unlearn_core.store.runs import Store

VERSION = 1
RADIUS, STEP, ITERATIONS = 4.0, 0.1, 100
"""The paper's attack: L2 radius and step in pixel values of [0, 1]."""


def write_neighbours(
    root: Path, run_id: str, ids: Sequence[int], algorithm: str, settings: Settings = DEFAULT_SETTINGS
) -> Path:
    """Return the path of one neighbour of each picture, made now unless they are there.

    Each is led, by targeted PGD on the classifier before the run, to the class that this classifier finds
    second likeliest, and stopped as soon as it is seen as that. Of n neighbours: `ids` of the pictures,
    `targets` int64 (n,), `inputs` uint8 (n, h, w, c), `distances` float64 (n,), L2 in pixel values,
    `seen_before` and `seen_after` int64 (n,), the predicted classes, and maps `before` and `after` float32
    (n, h, w) of what speaks for the target.

    Raises:
        UserError: an unknown run, picture or algorithm, or a damaged run folder.
    """
    classifier = Store(root).get(run_id).parsed_request().classifier
    check_offered(classifier, algorithm)

    def make() -> dict[str, ArrayLike]:
        run = load_finished_run(root, run_id)
        pixels, labels = run.pixels(ids), torch.from_numpy(run.targets(ids, "label"))
        with torch.no_grad():
            targets = runner_up(run.before.module(pixels), labels)
        neighbours = targeted_l2_pgd(
            run.before.module,
            pixels,
            targets,
            radius=RADIUS,
            step_size=STEP,
            iterations=ITERATIONS,
            starts=pixels,
            stop_at_target=True,
        )
        found: dict[str, ArrayLike] = {
            "ids": np.array(ids),
            "targets": targets.numpy(),
            "inputs": (neighbours * 255).round().byte().permute(0, 2, 3, 1).contiguous().numpy(),
            "distances": row_norms(neighbours - pixels).flatten().double().numpy(),
        }
        for when, one in (("before", run.before), ("after", run.after)):
            with torch.no_grad():
                found[f"seen_{when}"] = one.module(neighbours).argmax(1).numpy()
            found[when] = attribute(one, neighbours, targets, algorithm, run.request.seed, settings)
        return found

    folder = Store(root).folder(run_id) / "neighbours"
    return cached(folder, [VERSION, list(ids), algorithm, settings.used_by(algorithm)], make)
