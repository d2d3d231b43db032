"""Every method that is given the classifier and D_f alone, each at its best learning rate and batch.

    python -m benchmarks.tuned [--methods adv+imp,adv] [--k 16] [--seeds 0,1,2] [--max-steps 600] [--json]

All methods get the same grid and number of steps: four learning rates and their default, each with both
adversarial batches where the method has these. anchor, which chooses its own learning rate, runs as it is.
The best candidate leaves least of D_f, then keeps most of D_r, on average over the seeds; retained pictures
decide, which favours the tuned methods over anchor. `--classifier cifar10-resnet20 --images folder:PATH` is
another problem. Cases that are in the results file already are not run again; `--fresh` runs all anew.
"""

from collections.abc import Iterator
from statistics import mean

import plotly.graph_objects as go

from benchmarks.running import Case, Result, arguments, carry_out, grouped, markdown, spread
from unlearn_core import UserError, load_classifier, load_images, unlearn
from unlearn_core.common.devices import choose_device, describe
from unlearn_core.forgetting.entry import MethodEntry
from unlearn_core.forgetting.registry import method_entry, methods

RATES = (0.001, 0.003, 0.01, 0.03)
ADVERSARIAL_BATCHES = (64, 256)
HEAD = ["method", "learning rate", "batch", "forgotten", "D_f", "D_r", "D_test", "steps", "seconds"]


def candidates(entry: MethodEntry) -> Iterator[dict[str, float]]:
    """Yield the options of a method on the grid; only its defaults if it chooses its own learning rate."""
    options = {option.name: option.default for option in entry.options}
    if not options.get("learning_rate"):
        yield {}
        return
    for rate in sorted({*RATES, options["learning_rate"]}):
        for batch in ADVERSARIAL_BATCHES if "adversarial_batch" in options else (None,):
            yield {"learning_rate": rate} | ({} if batch is None else {"adversarial_batch": batch})


def measure(case: Case, images: str) -> Result:
    """Run one candidate with one seed; return the command line's object, or that it broke the classifier."""
    classifier = load_classifier(case["classifier"])
    request = {name: case[name] for name in ("method", "options", "seed", "max_steps")}
    try:
        outcome = unlearn(classifier, load_images(images, classifier), pick=f"random:{case['k']}", **request)
    except UserError as error:
        if not str(error).startswith("The classifier broke"):
            raise
        return {"broke": str(error), "device": describe(choose_device("auto"))}
    return outcome.result.to_json() | {"images": images.split(":")[0]}


def best(results: list[Result]) -> list[list[Result]]:
    """Return the results of the best candidate of each method, the method that keeps most first."""
    chosen = []
    whole = [result for result in results if "broke" not in result]
    for same in grouped(whole, lambda r: (*_problem(r), r["case"]["method"])).values():
        chosen.append(min(grouped(same, _candidate).values(), key=_rank))
    return sorted(chosen, key=lambda same: (_problem(same[0]), *_rank(same)))


def _problem(result: Result) -> tuple[str, int, int]:
    case = result["case"]
    return case["classifier"], case["k"], case["max_steps"]


def _candidate(result: Result) -> tuple[float, int]:
    options = result["case"]["options"]
    return options.get("learning_rate", 0), options.get("adversarial_batch", 0)


def _rank(same: list[Result]) -> tuple[float, float]:
    accuracy = [result["accuracy"] for result in same]
    return mean(one["forget"]["after"] for one in accuracy), -mean(one["retain"]["after"] for one in accuracy)


def table(results: list[Result]) -> str:
    """Return the results as Markdown: the best candidate of each method, then all candidates."""
    written = ""
    for problem, same in grouped(results, _problem).items():
        classifier, k, steps = problem
        every = grouped(same, lambda r: (r["case"]["method"], *_candidate(r)))
        written += f"{classifier}, random:{k}, at most {steps} steps; tuned:\n\n"
        written += markdown(HEAD, [_row(one) for one in best(same)])
        written += "\nEvery candidate:\n\n" + markdown(HEAD, [_row(one) for one in every.values()]) + "\n"
    devices = sorted({result["device"] for result in results})
    return f"{written}Accuracy after, in percent; seconds without loading. Device: {', '.join(devices)}.\n"


def _row(same: list[Result]) -> list[str]:
    rate, batch = _candidate(same[0])
    which = [same[0]["case"]["method"], f"{rate:g}" if rate else "its own", str(batch or "–")]
    if any("broke" in result for result in same):
        return [*which, "broke", *["–"] * 5]
    return [
        *which,
        f"{sum(result['stopped'] == 'forgotten' for result in same)} of {len(same)}",
        *(spread([r["accuracy"][group]["after"] for r in same]) for group in ("forget", "retain", "test")),
        spread([result["steps"] for result in same], 0),
        spread([result["seconds"]["total"] - result["seconds"]["load"] for result in same], 1),
    ]


def figure(results: list[Result]) -> go.Figure:
    """Return D_r against what is left of D_f, a point for each candidate."""
    drawn = go.Figure()
    for (method, _), same in grouped(results, lambda r: (r["case"]["method"], _problem(r))).items():
        tried = [
            (one, tries)
            for one, tries in grouped(same, _candidate).items()
            if all("broke" not in result for result in tries)
        ]
        drawn.add_scatter(
            x=[_rank(one)[0] for _, one in tried],
            y=[-_rank(one)[1] for _, one in tried],
            text=[f"learning rate {rate:g}, batch {batch or '–'}" for (rate, batch), _ in tried],
            name=method,
            mode="markers",
            marker_size=12,
        )
    drawn.update_layout(
        title="What every learning rate and batch leaves of D_f and D_r",
        xaxis_title="D_f accuracy, %",
        yaxis_title="D_r accuracy, %",
    )
    return drawn


def main() -> None:
    """Run what is missing, seed by seed, and print the table, or the results with `--json`."""
    parser = arguments(__doc__, "tuned")
    alone = [entry.name for entry in methods() if entry.retained_data != "needed"]
    parser.add_argument("--methods", default=",".join(alone))
    parser.add_argument("--classifier", default="mnist-resnet")
    parser.add_argument("--images", default="mnist")
    parser.add_argument("--k", type=int, default=16)
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--max-steps", type=int, default=600)
    asked = parser.parse_args()
    problem = {name: vars(asked)[name] for name in ("classifier", "k", "max_steps")}
    cases: list[Case] = [
        {**problem, "method": name, "seed": int(seed), "options": options}
        for seed in asked.seeds.split(",")
        for name in asked.methods.split(",")
        for options in candidates(method_entry(name))
    ]
    carry_out(asked, cases, lambda case: measure(case, asked.images), table, figure)


if __name__ == "__main__":
    main()
