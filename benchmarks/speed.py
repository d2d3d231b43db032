"""How long the same request takes by anchor, by ADV+IMP and by ADV+IMP on the authors' schedule.

    python -m benchmarks.speed [--k 16] [--seeds 0] [--max-steps 4000] [--json]

All in one process on one device. The authors attack N times one after another, forget batches of at most 32
at a time; ours attacks all of D_f × N in large batches. That apart both are the authors' algorithm, and check
the stop rule at every step. At the paper's learning rate ADV+IMP may not forget all within the steps allowed,
so the authors' schedule runs at ten times that rate too. Seconds are those of
attack, importance and optimisation; measuring is the same for all and left out.
"""

import time
from collections.abc import Callable

import numpy as np
import plotly.graph_objects as go
import torch
from numpy.typing import NDArray
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.running import Case, Result, arguments, carry_out, grouped, markdown, spread
from unlearn_core import load_classifier, load_images, unlearn
from unlearn_core.common.devices import choose_device
from unlearn_core.forgetting.adversarial import other_labels, random_start, targeted_l2_pgd
from unlearn_core.measuring.predict import to_pixels

AUTHORS_FORGET_BATCH = 32
SCHEDULE = "authors' schedule"
FASTER_SCHEDULE = "authors' schedule, 10 × rate"
ROUTES = ("anchor", "adv+imp", SCHEDULE, FASTER_SCHEDULE)
# The paper's rate is 1e-3 for every benchmark of its run scripts.
FASTER_RATE = 1e-2


def measure(case: Case) -> Result:
    """Run one request one way, beside the share of the device's peak that one attack batch reaches."""
    classifier = load_classifier(case["classifier"])
    images = load_images("mnist", classifier)
    authors = case["route"] in (SCHEDULE, FASTER_SCHEDULE)
    batch = min(AUTHORS_FORGET_BATCH, case["k"]) if authors else 256
    method = "anchor" if case["route"] == "anchor" else "adv+imp"
    options = {} if method == "anchor" else {"attack_batch": batch}
    if case["route"] == FASTER_SCHEDULE:
        options["learning_rate"] = FASTER_RATE
    result = unlearn(
        classifier,
        images,
        pick=f"random:{case['k']}",
        method=method,
        seed=case["seed"],
        max_steps=case["max_steps"],
        options=options,
    ).result
    spent = result.seconds
    return result.to_json() | {
        "forgetting_seconds": round(spent.attack + spent.importance + spent.optimise, 3),
        "peak_share": peak_share(images.pixels, batch),
    }


def peak_share(pictures: NDArray[np.uint8], batch: int) -> float:
    """Return what ten attack iterations reach of the device's measured matrix-product peak, 0 to 1."""
    device = choose_device("auto")
    module = load_classifier("mnist-resnet").module.to(device).to(memory_format=torch.channels_last)
    generator = torch.Generator().manual_seed(0)
    pixels = to_pixels(pictures[:batch], device)
    targets = other_labels(torch.zeros(len(pixels), dtype=torch.int64, device=device), 10, generator)
    starts = random_start(pixels, 4.0, generator)

    iterations = 10

    def attack() -> None:
        targeted_l2_pgd(
            module, pixels, targets, radius=4.0, step_size=0.1, iterations=iterations, starts=starts
        )

    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        module(pixels)
    # An iteration goes forward once and back to the pixels, which takes as many operations again.
    operations = 2 * iterations * counter.get_total_flops()
    return operations / _seconds(attack) / _peak(device)


def _peak(device: torch.device) -> float:
    """Return the floating-point operations a second of a large float32 matrix product."""
    side = 2048
    left, right = (torch.rand(side, side, device=device) for _ in range(2))
    return 2 * side**3 / _seconds(lambda: left @ right)


def _seconds(work: Callable[[], object], repeats: int = 5) -> float:
    """Return the shortest time of several, which is the least disturbed."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return min(times)


def table(results: list[Result]) -> str:
    """Return the results as Markdown; ratios are means over the seeds, against the authors' schedule."""
    rows = []
    routes = grouped(results, lambda r: (ROUTES.index(r["case"]["route"]),))
    slowest = {r["case"]["seed"]: r["forgetting_seconds"] for r in routes.get((ROUTES.index(SCHEDULE),), [])}
    for (route,), same in routes.items():
        ratios = [
            slowest[r["case"]["seed"]] / r["forgetting_seconds"] for r in same if r["case"]["seed"] in slowest
        ]
        rows.append(
            [
                ROUTES[route],
                f"{sum(r['stopped'] == 'forgotten' for r in same)} of {len(same)}",
                *(spread([r["accuracy"][g]["after"] for r in same]) for g in ("forget", "retain", "test")),
                spread([r["steps"] for r in same], 0),
                *(spread([r["seconds"][phase] for r in same], 1) for phase in ("attack", "optimise")),
                spread([r["forgetting_seconds"] for r in same], 1),
                f"{spread(ratios, 1)} ×",
                spread([100 * r["peak_share"] for r in same], 0),
            ]
        )
    head = ["route", "forgotten", "D_f", "D_r", "D_test", "steps", "attack, s", "optimise, s"]
    head += ["in all, s", "faster", "of peak, %"]
    first = results[0]
    return (
        markdown(head, rows)
        + f"\n{first['classifier']}, random:{first['k']}, {first['device']}, {torch.get_num_threads()} "
        "threads. *Of peak*: what an attack batch reaches of a 2,048 × 2,048 float32 matrix product.\n"
    )


def figure(results: list[Result]) -> go.Figure:
    """Return D_r against seconds, a point a run."""
    drawn = go.Figure()
    for (route,), same in grouped(results, lambda r: (r["case"]["route"],)).items():
        drawn.add_scatter(
            x=[r["forgetting_seconds"] for r in same],
            y=[r["accuracy"]["retain"]["after"] for r in same],
            text=[r["stopped"] for r in same],
            name=route,
            mode="markers",
            marker_size=12,
        )
    drawn.update_layout(
        title="What it keeps and how long it takes",
        xaxis={"title": "seconds", "type": "log"},
        yaxis_title="D_r accuracy, %",
    )
    return drawn


def main() -> None:
    """Run what is missing and print the table, or the results with `--json`."""
    parser = arguments(__doc__, "speed")
    parser.add_argument("--k", type=int, default=16)
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--max-steps", type=int, default=4000)
    asked = parser.parse_args()
    cases = [
        {
            "classifier": "mnist-resnet",
            "k": asked.k,
            "seed": int(seed),
            "route": route,
            "max_steps": asked.max_steps,
        }
        for seed in asked.seeds.split(",")
        for route in ROUTES
    ]
    carry_out(asked, cases, measure, table, figure)


if __name__ == "__main__":
    main()
