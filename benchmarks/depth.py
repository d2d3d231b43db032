"""What each depth of `anchor` costs: depth against D_r, for 1, 4, 16 and 64 random and the 16 hardest digits.

    python -m benchmarks.depth [--seeds 0,1,2] [--picks random:1,random:16] [--depths firm,deep] [--json]

Of 256 digits only *just enough* is kept: `--picks random:256 --depths just-enough`.
Cases that are in the results file already are not run again; `--fresh` runs all anew.
"""

import plotly.graph_objects as go

from benchmarks.running import Case, Result, arguments, carry_out, grouped, markdown, spread
from unlearn_core import load_classifier, load_images, unlearn
from unlearn_core.forgetting.depths import DEPTHS, depth_number

PICKS = "random:1,random:4,random:16,random:64,hardest:16"
HEAD = [
    *("pick", "depth", "D_f", "D_r", "D_test", "copies before", "copies after", "return point"),
    *("8 bits", "4 bits", "margin", "steps", "seconds"),
]


def measure(case: Case) -> Result:
    """Run one case and return the command line's object."""
    classifier = load_classifier("mnist-resnet")
    request = {"pick": case["pick"], "seed": case["seed"], "options": {"depth": case["depth"]}}
    outcome = unlearn(classifier, load_images("mnist", classifier), max_steps=1000, **request)
    return outcome.result.to_json()


def table(results: list[Result]) -> str:
    """Return the results as Markdown: mean ± standard deviation over seeds."""
    rows = []
    for (_, pick, depth), same in grouped(results, _key).items():
        deep = [result["depth"] for result in same]
        cells = [
            *(
                spread([r["accuracy"][group]["after"] for r in same])
                for group in ("forget", "retain", "test")
            ),
            *(spread([one["changed_copies"][when] for one in deep]) for when in ("before", "after")),
            *(
                spread([one[name] for one in deep])
                for name in ("return_point", "rounded_8_bits", "rounded_4_bits", "margin")
            ),
            spread([r["steps"] for r in same]),
            spread([r["seconds"]["total"] - r["seconds"]["load"] for r in same]),
        ]
        rows.append([pick, DEPTHS[depth].name, *cells])
    devices = sorted({result["device"] for result in results})
    return f"{markdown(HEAD, rows)}\nIn percent, the margin in logits. Device: {', '.join(devices)}.\n"


def figure(results: list[Result]) -> go.Figure:
    """Draw the share of changed copies that are recognised against D_r, a line for each pick."""
    drawn = go.Figure()
    picks: dict[str, list[Result]] = {}
    for result in results:
        picks.setdefault(result["case"]["pick"], []).append(result)
    for pick, same in picks.items():
        drawn.add_scatter(
            x=[100 - r["depth"]["changed_copies"]["after"] for r in same],
            y=[r["accuracy"]["retain"]["after"] for r in same],
            text=[f"{DEPTHS[r['case']['depth']].title}, seed {r['case']['seed']}" for r in same],
            mode="markers",
            name=pick,
        )
    drawn.update_xaxes(title="changed copies forgotten, %")
    drawn.update_yaxes(title="D_r, %")
    return drawn


def _key(result: Result) -> tuple[int, str, int]:
    case = result["case"]
    return len(case["pick"]), case["pick"], case["depth"]


def main() -> None:
    """Run what is missing and print the table, or the results with `--json`."""
    parser = arguments(__doc__, "depth")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--picks", default=PICKS)
    parser.add_argument("--depths", default=",".join(depth.name for depth in DEPTHS))
    asked = parser.parse_args()
    cases: list[Case] = [
        {"pick": pick, "depth": depth_number(depth), "seed": int(seed)}
        for pick in asked.picks.split(",")
        for seed in asked.seeds.split(",")
        for depth in asked.depths.split(",")
    ]
    carry_out(asked, cases, measure, table, figure)


if __name__ == "__main__":
    main()
