"""One filter of a run's classifier: kernels, strongest responses, and the effect of undoing its change."""

from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from unlearn_core.artifacts.predictions import FORGET, RETAIN
from unlearn_core.common.budget import Budget, sample
from unlearn_core.errors import UserError
from unlearn_core.measuring.finished_run import FinishedRun, load_finished_run, with_weights
from unlearn_core.measuring.predict import predict
from unlearn_core.measuring.representation.features import activations
from unlearn_core.measuring.weight_matrices import weight_matrices
from unlearn_core.store.cache import cached
from unlearn_core.store.runs import open_store

VERSION = 1
SHOWN_KERNELS = 12
STRONGEST = 8
SAMPLE = Budget(500, 24)


def write_filter(root: Path, run_id: str, layer: str, number: int) -> Path:
    """Return the path of measurements of one filter (a row of a linear layer); made if they do not exist.

    Arrays: `channels` (m,), those whose kernels changed most, with `kernels_before` and `kernels_after`
    (m, height, width); `strongest_before` and `strongest_after`, ids of the pictures that the filter responds
    to most; and for the forget set `ids`, `labels`, `classes` and `tops` as predicted, and `undone_classes`
    and `undone_tops` with only this filter's change undone. `retain`, `undone_retain`: accuracy in
    percent on a sample of D_r.

    Raises:
        UserError: an unknown run, layer or filter, or a damaged run folder.
    """
    folder = open_store(root).folder(run_id) / "filters"
    return cached(
        folder, [VERSION, layer, number], lambda: _filter(load_finished_run(root, run_id), layer, number)
    )


def _filter(run: FinishedRun, layer: str, number: int) -> dict[str, ArrayLike]:
    before, after = (weight_matrices(one.module) for one in (run.before, run.after))
    if layer not in before:
        raise UserError(f"There is no layer {layer} in {run.before.name}.")
    if not 0 <= number < len(before[layer]):
        raise UserError(f"Layer {layer} has filters 0 to {len(before[layer]) - 1}, not {number}.")
    found: dict[str, ArrayLike] = {}
    found |= _kernels(before[layer][number], after[layer][number])
    found |= _strongest(run, layer, number)
    return found | _undone(run, layer, number)


def _kernels(before: Tensor, after: Tensor) -> dict[str, ArrayLike]:
    """Return the kernels that changed most; those of a linear layer are one number each."""
    old, new = (one.detach().reshape(len(one), *(one.shape[1:] or (1, 1))) for one in (before, after))
    moved = (new - old).flatten(1).norm(dim=1)
    channels = moved.argsort(descending=True, stable=True)[:SHOWN_KERNELS]
    return {
        "channels": channels.cpu().numpy(),
        "kernels_before": old[channels].cpu().numpy(),
        "kernels_after": new[channels].cpu().numpy(),
    }


def _strongest(run: FinishedRun, layer: str, number: int) -> dict[str, ArrayLike]:
    """Return ids of the pictures with the filter's highest mean response, before and after."""
    positions = _sample(run, (FORGET, RETAIN))
    ids = run.comparison.ids[positions]
    pictures = run.pictures(ids.tolist())
    found: dict[str, ArrayLike] = {}
    for when, classifier in (("before", run.before), ("after", run.after)):
        own = classifier.module.get_submodule(layer)
        (seen,) = activations(
            classifier.module, pictures, [own], lambda layer, inputs, output: _response(layer, output, number)
        )
        if not seen.size:
            raise UserError(f"Layer {layer} is never called separately: its response is unknown.")
        found[f"strongest_{when}"] = ids[np.argsort(-seen[:, 0], kind="stable")[:STRONGEST]]
    return found


def _response(layer: nn.Module, output: Tensor, number: int) -> Tensor:
    """Return the mean response of one filter or row to each picture, (n, 1)."""
    own = output[..., number] if isinstance(layer, nn.Linear) else output[:, number]
    return own.flatten(1).mean(1, keepdim=True) if own.dim() > 1 else own[:, None]


def _undone(run: FinishedRun, layer: str, number: int) -> dict[str, ArrayLike]:
    weights = {name: tensor.clone() for name, tensor in run.after.module.state_dict().items()}
    weights[f"{layer}.weight"][number] = run.before.module.state_dict()[f"{layer}.weight"][number]
    undone = with_weights(run.after, weights).module
    forgotten, retained = run.comparison.in_group(FORGET), _sample(run, (RETAIN,))
    forgotten = forgotten[: STRONGEST * 4]
    found: dict[str, ArrayLike] = {
        "ids": run.comparison.ids[forgotten],
        "labels": run.comparison.labels[forgotten],
    }
    for prefix, module in (("", run.after.module), ("undone_", undone)):
        for positions, name in ((forgotten, "forget"), (retained, "retain")):
            labels = run.comparison.labels[positions].astype(np.int64)
            pictures = run.pictures(run.comparison.ids[positions].tolist())
            said = predict(module, pictures, labels, run.device)
            if name == "retain":
                found[f"{prefix}retain"] = 100 * (said.classes == labels).mean() if len(labels) else np.nan
            else:
                found |= {f"{prefix}classes": said.classes, f"{prefix}tops": said.top_confidences}
    return found


def _sample(run: FinishedRun, groups: tuple[int, ...]) -> NDArray[np.intp]:
    inside = np.flatnonzero((run.comparison.image_set == 0) & np.isin(run.comparison.group, groups))
    return np.sort(sample(inside, SAMPLE.of(run.before.input_size)))
