"""Adversarial neighbours: pictures that look the same to us but are another class to the classifier.

The paper (arXiv 2301.11578, section 3.2) uses such examples to retain the rest. Here they show how close the
next class was before, and what is predicted after.
"""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import ArrayLike

from unlearn_core.artifacts.adversarial_neighbours import AdversarialNeighbours
from unlearn_core.forgetting.adversarial import row_norms, targeted_l2_pgd
from unlearn_core.forgetting.goals import runner_up
from unlearn_core.measuring.attribution.explain import attribute
from unlearn_core.measuring.attribution.registry import check_offered
from unlearn_core.measuring.attribution.request import AttributionRequest
from unlearn_core.measuring.finished_run import FinishedRun, load_finished_run
from unlearn_core.measuring.predict import to_pictures
from unlearn_core.store.cache import cached
from unlearn_core.store.runs import open_store

VERSION = 3
RADIUS, STEP, ITERATIONS = 4.0, 0.1, 100
"""The paper's attack: L2 radius and step in pixel values of [0, 1]."""


def write_neighbours(root: Path, request: AttributionRequest) -> Path:
    """Return the path of `AdversarialNeighbours`, one per picture; made if they do not exist.

    The target of each is the second most likely class of the classifier before the run; targeted PGD stops as
    soon as it is predicted. The maps explain this class, whatever the request's target is.

    Raises:
        UserError: an unknown run or picture, an algorithm that is not valid for the classifier, or a damaged
            run folder.
    """
    store = open_store(root)
    check_offered(store.get(request.run_id).parsed_request().classifier, request.algorithm)

    def make() -> dict[str, ArrayLike]:
        return _neighbours(load_finished_run(root, request.run_id), request).arrays()

    folder = store.folder(request.run_id) / "neighbours"
    return cached(folder, [VERSION, request.ids, request.algorithm, request.settings], make)


def _neighbours(run: FinishedRun, request: AttributionRequest) -> AdversarialNeighbours:
    pixels = run.pixels(request.ids)
    labels = torch.from_numpy(run.targets(request.ids, "label")).to(run.device)
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
    seen, maps = [], []
    for one in (run.before, run.after):
        with torch.no_grad():
            seen.append(one.module(neighbours).argmax(1).cpu().numpy())
        settings = dict(request.settings)
        maps.append(attribute(one, neighbours, targets, request.algorithm, run.request.seed, settings))
    return AdversarialNeighbours(
        ids=np.array(request.ids),
        targets=targets.cpu().numpy(),
        inputs=to_pictures(neighbours),
        distances=row_norms(neighbours - pixels).flatten().cpu().double().numpy(),
        seen_before=seen[0],
        before=maps[0],
        seen_after=seen[1],
        after=maps[1],
    )
