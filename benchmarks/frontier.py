"""What every method keeps for what it forgets: D_r against the share of D_f forgotten, each method a curve.

    python -m benchmarks.frontier [--k 16] [--seed 0] [--retained 512] [--json]

Methods that learn from retained pictures get `--retained` of them and are marked so; the others see the
forget set alone.
"""

import plotly.graph_objects as go

from benchmarks.running import Case, Result, arguments, carry_out, markdown, spread
from unlearn_core import load_classifier, load_images, unlearn
from unlearn_core.forgetting.registry import methods

SHARES = (25, 50, 75, 100)


def measure(case: Case) -> Result:
    """Run one method for at most 300 steps."""
    classifier = load_classifier("mnist-resnet")
    images = load_images("mnist", classifier)
    return unlearn(
        classifier,
        images,
        pick=f"random:{case['k']}",
        method=case["method"],
        seed=case["seed"],
        retained=case["retained"],
    ).result.to_json()


def kept_at(result: Result, share: float) -> float | None:
    """Return the best accuracy on the sample of D_r once `share` percent of D_f are forgotten."""
    return max((point["retain"] for point in result["frontier"] if point["forgotten"] >= share), default=None)


def table(results: list[Result]) -> str:
    """Return the results as Markdown, the method that keeps most first."""
    rows = []
    for result in sorted(results, key=lambda r: (-(kept_at(r, 100) or -1), -r["frontier"][-1]["forgotten"])):
        rows.append(
            [
                result["method"],
                str(result["retained_used"] or "none"),
                *(spread([kept_at(result, share)]) for share in SHARES),
                spread([100 - result["accuracy"]["forget"]["after"]]),
                spread([result["accuracy"]["retain"]["after"]]),
                spread([result["accuracy"]["test"]["after"]]),
                str(result["steps"]),
                spread([result["seconds"]["total"]], 1),
            ]
        )
    head = ["method", "retained pictures", *(f"D_r at {share}%" for share in SHARES)]
    head += ["forgotten, %", "D_r", "D_test", "steps", "seconds"]
    first = results[0]
    return (
        markdown(head, rows)
        + f"\nmnist-resnet, random:{first['k']}, seed {first['seed']}, {first['device']}. *D_r at*: accuracy "
        "on 256 retained digits once so much of D_f was forgotten, the best of the snapshots; the last "
        "columns are the whole sets at the end.\n"
    )


def figure(results: list[Result]) -> go.Figure:
    """Return a curve a method through its snapshots; those that saw retained pictures are dotted."""
    drawn = go.Figure()
    for result in results:
        drawn.add_scatter(
            x=[point["forgotten"] for point in result["frontier"]],
            y=[point["retain"] for point in result["frontier"]],
            text=[f"step {point['step']}" for point in result["frontier"]],
            name=result["method"],
            mode="lines+markers",
            line_dash="dot" if result["retained_used"] else "solid",
        )
    drawn.update_layout(
        title="What is kept for what is forgotten; dotted: learns from retained pictures",
        xaxis_title="forgotten, % of D_f",
        yaxis_title="accuracy on 256 retained digits, %",
    )
    return drawn


def main() -> None:
    """Run what is missing and print the table, or the results with `--json`."""
    parser = arguments(__doc__, "frontier")
    parser.add_argument("--k", type=int, default=16)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--retained", type=int, default=512)
    asked = parser.parse_args()
    cases = [
        {
            "method": entry.name,
            "k": asked.k,
            "seed": asked.seed,
            "retained": asked.retained if entry.retained_data != "none" else 0,
        }
        for entry in methods()
        if entry.name != "retrain"
    ]
    carry_out(asked, cases, measure, table, figure)


if __name__ == "__main__":
    main()
