"""Do contrast maps show forgetting? Maps of the old label against the new prediction, beside the old label's.

    python -m benchmarks.contrast [--seeds 0,1,2] [--json]

Sixteen random digits are forgotten at the default depth. *Sum* is the median over them of a map's sum before
and after, by integrated gradients: about the score that it explains, less that of an empty picture. *Rank
correlation* is the median of that of the maps before and after; *kept* is the same for sixteen kept digits,
whose label stands against its runner-up. *Complete* is the percentage of all these contrast maps, before and
after, whose sum misses the change of the score by at most 1%, of the change or of the map's L1 norm.
"""

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from benchmarks.running import Case, Result, arguments, carry_out, markdown, spread
from unlearn_core.artifacts.attribution_maps import Attributions, read_attributions
from unlearn_core.artifacts.predictions import FORGET, read_comparison
from unlearn_core.common.devices import describe
from unlearn_core.jobs.carry_out import run_forget
from unlearn_core.measuring.attribution.contrast import Explained
from unlearn_core.measuring.attribution.explain import write_attributions
from unlearn_core.measuring.attribution.request import AttributionRequest
from unlearn_core.measuring.attribution.yardstick import KEPT, kept_pictures, median
from unlearn_core.measuring.finished_run import FinishedRun, load_finished_run
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.runs import Store

COMPLETE = ("integrated-gradients", "deeplift")
WITHIN = 0.01
HEAD = [
    *("seed", "sum before", "sum after", "rank correlation", "of the old label's maps", "kept"),
    *("complete: integrated gradients, %", "DeepLIFT, %"),
]


def measure(case: Case) -> Result:
    """Forget in a store of its own and return what the maps show."""
    with TemporaryDirectory(prefix="unlearn-contrast-") as folder:
        os.environ["UNLEARN_HOME"] = folder
        store = Store(Path(folder))
        run_id = store.create(ForgetRequest(pick=case["pick"], seed=case["seed"])).id
        run_forget(store, run_id)
        comparison = read_comparison(store.folder(run_id))
        forgotten = comparison.ids[comparison.in_group(FORGET)].tolist()
        kept = kept_pictures(comparison, KEPT.small)

        def maps(ids: list[int], target: str, algorithm: str = COMPLETE[0]) -> Attributions:
            request = AttributionRequest.parse(run_id, ids, algorithm, target)
            return read_attributions(write_attributions(store.root, request))

        contrast, label = maps(forgotten, "contrast"), maps(forgotten, "label")
        run = load_finished_run(store.root, run_id)
        return {
            "device": describe(torch.device("cpu")),
            "forgotten": int((contrast.scores_after[:, 0] < contrast.scores_after[:, 1]).sum()),
            "sum_before": median(contrast.before.sum((1, 2)).tolist()),
            "sum_after": median(contrast.after.sum((1, 2)).tolist()),
            "correlation": median(contrast.rank_correlation.tolist()),
            "correlation_of_the_label": median(label.rank_correlation.tolist()),
            "correlation_of_kept": median(maps(kept, "contrast").rank_correlation.tolist()),
            "complete": {
                name: _complete(run, [maps(ids, "contrast", name) for ids in (forgotten, kept)])
                for name in COMPLETE
            },
        }


def _complete(run: FinishedRun, shown: list[Attributions]) -> float:
    """Return the percentage of maps that are complete, before and after taken together."""
    right: list[bool] = []
    for one in shown:
        asked, pixels = Explained(one.targets, one.against), run.pixels(one.ids.tolist())
        for classifier, maps, scores in (
            (run.before, one.before, one.scores_before),
            (run.after, one.after, one.scores_after),
        ):
            change = -np.diff(scores - asked.scores(classifier, torch.zeros_like(pixels)))[:, 0]
            allowed = WITHIN * np.maximum(abs(change), abs(maps).sum((1, 2)))
            right += (abs(maps.sum((1, 2)) - change) <= allowed).tolist()
    return 100 * float(np.mean(right))


def table(results: list[Result]) -> str:
    """Return the results as Markdown, a row for each seed and one for all."""
    rows = [_row(str(result["case"]["seed"]), [result]) for result in results]
    case = results[0]["case"]
    said = f"\nmnist-resnet, {case['pick']}, anchor at its default depth, {results[0]['device']}.\n"
    return markdown(HEAD, [*rows, _row("all", results)]) + said


def _row(title: str, results: list[Result]) -> list[str]:
    names = ("sum_before", "sum_after", "correlation", "correlation_of_the_label", "correlation_of_kept")
    cells = [spread([result[name] for result in results]) for name in names]
    return [
        title,
        *cells,
        *(spread([result["complete"][name] for result in results], 1) for name in COMPLETE),
    ]


def main() -> None:
    """Run what is missing and print the table, or the results with `--json`."""
    parser = arguments(__doc__, "contrast")
    parser.add_argument("--seeds", default="0,1,2")
    asked = parser.parse_args()
    cases: list[Case] = [{"pick": "random:16", "seed": int(seed)} for seed in asked.seeds.split(",")]
    carry_out(asked, cases, measure, table)


if __name__ == "__main__":
    main()
