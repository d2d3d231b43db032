"""How time and memory grow with the number of instances to forget.

    python -m benchmarks.scaling [--method anchor] [--sizes 4,16,64,256] [--seed 0] [--json]

Each request runs in a process of its own, whose peak memory is compared with what the classifier and one
batch through it (forward and backward) take there.
"""

import json
import subprocess
import sys

import plotly.graph_objects as go
import psutil

from benchmarks.running import Case, Result, arguments, carry_out, markdown, spread

BATCH = 512
"""Pictures; what predictions and the largest steps take at once."""

PROGRAM = "import sys; from benchmarks.scaling import child; child(sys.argv[1])"


def measure(case: Case) -> Result:
    """Run the case in a new process."""
    command = [sys.executable, "-c", PROGRAM, json.dumps(case)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def child(text: str) -> None:
    """Print the result of one request, with the megabytes of one batch and of the whole job."""
    import torch
    import torch.nn.functional as F

    from unlearn_core import load_classifier, load_images, unlearn
    from unlearn_core.common.devices import choose_device
    from unlearn_core.measuring.predict import to_pixels

    case = json.loads(text)
    classifier = load_classifier("mnist-resnet")
    images = load_images("mnist", classifier)
    start = _peak_megabytes()
    device = choose_device("auto")
    module = load_classifier("mnist-resnet").module.to(device)
    pixels = to_pixels(images.pixels[:BATCH], device)
    F.cross_entropy(module(pixels), torch.from_numpy(images.labels[:BATCH]).to(device)).backward()
    batch = _peak_megabytes() - start
    del module, pixels
    result = unlearn(
        classifier, images, pick=f"random:{case['k']}", method=case["method"], seed=case["seed"]
    ).result.to_json()
    print(json.dumps(result | {"batch_megabytes": batch, "job_megabytes": _peak_megabytes() - start}))


def _peak_megabytes() -> float:
    """Return the peak memory of this process so far: on a GPU, or else on the CPU."""
    import torch

    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 2**20
    if sys.platform == "win32":
        return psutil.Process().memory_info().peak_wset / 2**20
    import resource

    # Linux counts kilobytes, macOS bytes.
    unit = 1 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


def table(results: list[Result]) -> str:
    """Return the results as Markdown."""
    ordered = sorted(results, key=lambda r: (r["method"], r["k"]))
    rows = [
        [
            r["method"],
            str(r["k"]),
            *(spread([r["accuracy"][g]["after"]]) for g in ("forget", "retain", "test")),
            str(r["steps"]),
            *(spread([r["seconds"][phase]], 1) for phase in ("attack", "optimise", "total")),
            spread([r["seconds"]["total"] / r["k"]]),
            spread([r["job_megabytes"]], 0),
            spread([r["job_megabytes"] / r["batch_megabytes"]]),
        ]
        for r in ordered
    ]
    head = ["method", "instances", "D_f", "D_r", "D_test", "steps", "attack, s", "optimise, s", "total, s"]
    head += ["total, s an instance", "memory, MB", "× (model + one batch)"]
    said = (
        f"\nmnist-resnet, seed {ordered[0]['seed']}, {ordered[0]['device']}; a batch has {BATCH} digits. "
        "anchor has its default depth: firm for up to sixteen digits, else just enough.\n"
    )
    return markdown(head, rows) + said


def figure(results: list[Result]) -> go.Figure:
    """Return seconds and memory against the number of instances."""
    ordered = sorted(results, key=lambda r: r["k"])
    drawn = go.Figure()
    counts = [r["k"] for r in ordered]
    drawn.add_scatter(x=counts, y=[r["seconds"]["total"] for r in ordered], name="seconds")
    drawn.add_scatter(x=counts, y=[r["job_megabytes"] for r in ordered], name="memory, MB")
    drawn.update_layout(
        title="What it costs", xaxis={"title": "instances to forget", "type": "log"}, yaxis_type="log"
    )
    return drawn


def main() -> None:
    """Run what is missing and print the table, or the results with `--json`."""
    parser = arguments(__doc__, "scaling")
    parser.add_argument("--method", default="anchor")
    parser.add_argument("--sizes", default="4,16,64,256")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    cases = [{"method": asked.method, "k": int(size), "seed": asked.seed} for size in asked.sizes.split(",")]
    carry_out(asked, cases, measure, table, figure)


if __name__ == "__main__":
    main()
