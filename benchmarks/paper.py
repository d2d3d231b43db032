"""The paper's table: methods × number of instances, one request or eight in a chain.

    python -m benchmarks.paper [--classifiers mnist-resnet] [--seeds 0,1,2] [--sizes 1,4,16,64,256] [--json]

Every method gets the same nested forget sets, 300 steps and its defaults; the stop rule is the paper's.
The shipped CIFAR-10 classifier needs its pictures: --cifar folder:PATH, or the image set cifar10 where
torchvision finds it.
"""

from collections.abc import Iterator

import plotly.graph_objects as go

from benchmarks.running import Case, Result, arguments, carry_out, grouped, markdown, spread
from unlearn_core import load_classifier, load_images, unlearn
from unlearn_core.artifacts.results import EarlierSet

METHODS = ("anchor", "adv+imp", "adv", "neggrad")
CHAIN_LENGTH = CHAIN_SIZE = 8


def cases(classifier: str, seed: int, sizes: list[int]) -> Iterator[Case]:
    """Yield the single requests of one seed, small ones first, then the chains."""
    for k in sizes:
        for method in METHODS:
            yield {"classifier": classifier, "method": method, "k": k, "requests": 1, "seed": seed}
    for method in METHODS:
        yield {
            "classifier": classifier,
            "method": method,
            "k": CHAIN_SIZE,
            "requests": CHAIN_LENGTH,
            "seed": seed,
        }


def measure(case: Case, cifar: str) -> Result:
    """Run the requests of a case in a chain; return the last one's result, with all steps and seconds."""
    original = load_classifier(case["classifier"])
    images = load_images("mnist" if case["classifier"] == "mnist-resnet" else cifar, original)
    classifier, earlier = original, list[EarlierSet]()
    steps, seconds, forgotten = 0, 0.0, True
    for number in range(case["requests"]):
        outcome = unlearn(
            classifier,
            images,
            earlier=earlier,
            reference=original if earlier else None,
            pick=f"random:{case['k']}",
            method=case["method"],
            seed=case["seed"] + 100 * number,
        )
        result, comparison = outcome.result, outcome.comparison
        at = {int(one): place for place, one in enumerate(comparison.ids)}
        labels = tuple(int(comparison.labels[at[one]]) for one in result.ids)
        earlier.append(EarlierSet(str(number + 1), result.ids, labels))
        classifier = outcome.classifier
        steps += result.steps
        seconds += result.seconds.total
        forgotten &= result.stopped == "forgotten"
    return result.to_json() | {
        "images": images.name.split(":")[0],
        "steps": steps,
        "total_seconds": round(seconds, 3),
        "forgotten": forgotten,
        "earlier_recognised": [one.recognised for one in result.earlier],
    }


def table(results: list[Result]) -> str:
    """Return the results as Markdown: mean ± standard deviation over the seeds."""
    head = [
        *("classifier", "instances", "method", "forgotten", "D_f", "D_r", "D_test"),
        *("recognised again", "steps", "seconds"),
    ]
    rows = []
    for key, same in grouped(results, _key).items():
        classifier, requests, k, method = key
        cells = [spread([r["accuracy"][g]["after"] for r in same]) for g in ("forget", "retain", "test")]
        again = [count for r in same for count in r["earlier_recognised"]]
        rows.append(
            [
                classifier,
                str(k) if requests == 1 else f"{requests} × {k}",
                method,
                f"{sum(r['forgotten'] for r in same)} of {len(same)}",
                *cells,
                f"{max(again)} of {k}" if again else "–",
                spread([r["steps"] for r in same], 0),
                spread([r["total_seconds"] for r in same], 1),
            ]
        )
    devices = sorted({result["device"] for result in results})
    return (
        markdown(head, rows)
        + "\nAccuracy after, in percent. *Forgotten*: runs in which every request reached its goal within "
        "300 steps. *Recognised again*: the most instances of any earlier request of a chain that the last "
        f"classifier predicts as their label. Device: {', '.join(devices)}.\n"
    )


def _key(result: Result) -> tuple[str, int, int, str]:
    case = result["case"]
    return case["classifier"], case["requests"], case["k"], case["method"]


def figure(results: list[Result]) -> go.Figure:
    """Return D_r against k, a line a method and classifier; hollow where not everything was forgotten."""
    drawn = go.Figure()
    single = [result for result in results if result["case"]["requests"] == 1]
    for (classifier, method), same in grouped(
        single, lambda r: (r["case"]["classifier"], r["case"]["method"])
    ).items():
        by_k = grouped(same, lambda r: (r["case"]["k"],))
        drawn.add_scatter(
            x=[k for (k,) in by_k],
            y=[sum(r["accuracy"]["retain"]["after"] for r in one) / len(one) for one in by_k.values()],
            name=f"{classifier} · {method}",
            mode="lines+markers",
            marker_symbol=[
                "circle" if all(r["forgotten"] for r in one) else "circle-open" for one in by_k.values()
            ],
        )
    drawn.update_layout(
        title="What is kept; hollow: not everything was forgotten",
        xaxis={"title": "instances to forget", "type": "log"},
        yaxis={"title": "D_r accuracy, %", "range": [0, 101]},
    )
    return drawn


def main() -> None:
    """Run what is missing, seed by seed, and print the table, or the results with `--json`."""
    parser = arguments(__doc__, "paper")
    parser.add_argument("--classifiers", default="mnist-resnet")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--sizes", default="1,4,16,64,256")
    parser.add_argument("--cifar", default="cifar10", metavar="IMAGES")
    asked = parser.parse_args()
    sizes = [int(size) for size in asked.sizes.split(",")]
    every = [
        case
        for seed in asked.seeds.split(",")
        for classifier in asked.classifiers.split(",")
        for case in cases(classifier, int(seed), sizes)
    ]
    carry_out(asked, every, lambda case: measure(case, asked.cifar), table, figure)


if __name__ == "__main__":
    main()
