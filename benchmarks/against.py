"""How long the same requests take in this version and at another commit, in turn on one machine.

    python -m benchmarks.against COMMIT [--threads 2] [--seeds 0,1,2] [--depth just-enough] [--json]

Each run has a fresh home and a process of its own; the time is that of the command's result, without loading.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.running import Case, Result, arguments, carry_out, grouped, markdown, spread

ROOT = Path(__file__).parents[1]
PICKS = ("random:16", "random:1", "hardest:16")


@contextmanager
def checkout(commit: str) -> Iterator[Path]:
    """Yield a folder with the files of a commit."""
    with TemporaryDirectory() as folder:
        archive = subprocess.run(["git", "archive", commit], cwd=ROOT, check=True, capture_output=True).stdout
        subprocess.run(["tar", "-x", "-C", folder], input=archive, check=True)
        yield Path(folder)


def measure(case: Case, other: Path) -> Result:
    """Run one case in a process of its own and return the command line's object."""
    here = case["version"] == "here"
    command = [sys.executable, "-m", "unlearn_core", "forget", "--json"]
    command += ["--pick", case["pick"], "--seed", str(case["seed"])]
    if here:
        command += ["--depth", case["depth"]]
    root = ROOT if here else other
    with TemporaryDirectory() as home:
        settings = {"UNLEARN_HOME": home, "OMP_NUM_THREADS": str(case["threads"]), "PYTHONPATH": str(root)}
        done = subprocess.run(
            command, cwd=root, env=os.environ | settings, check=True, capture_output=True, text=True
        )
    return dict(json.loads(done.stdout))


def table(results: list[Result]) -> str:
    """Return the results as Markdown, with the ratio of the median times."""
    rows = []
    for (pick, depth), same in grouped(results, lambda r: (r["case"]["pick"], r["case"]["depth"])).items():
        seconds = {
            version: [_seconds(r) for r in same if r["case"]["version"] == version]
            for version in ("other", "here")
        }
        ratio = median(seconds["here"]) / median(seconds["other"])
        after = [r["accuracy"] for r in same if r["case"]["version"] == "here"]
        before = [r["accuracy"] for r in same if r["case"]["version"] == "other"]
        cells = [
            *(spread(seconds[version], 1) for version in ("other", "here")),
            f"1/{1 / ratio:.1f}",
            *(spread([one["retain"]["after"] for one in them]) for them in (before, after)),
            *(spread([one["test"]["after"] for one in them]) for them in (before, after)),
        ]
        rows.append([pick, depth, *cells])
    head = ["pick", "depth", "seconds there", "seconds here", "ratio of medians"]
    head += ["D_r there", "D_r here", "D_test there", "D_test here"]
    devices = sorted({result["device"] for result in results})
    return f"{markdown(head, rows)}\nSeconds without loading, in turn. Device: {', '.join(devices)}.\n"


def _seconds(result: Result) -> float:
    return float(result["seconds"]["total"] - result["seconds"]["load"])


def main() -> None:
    """Run what is missing and print the table, or the results with `--json`."""
    parser = arguments(__doc__, "against")
    parser.add_argument("commit")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--picks", default=",".join(PICKS))
    parser.add_argument("--depth", default="just-enough")
    asked = parser.parse_args()
    common = {"commit": asked.commit, "threads": asked.threads, "depth": asked.depth}
    cases: list[Case] = [
        {"version": version, "pick": pick, "seed": int(seed), **common}
        for pick in asked.picks.split(",")
        for seed in asked.seeds.split(",")
        for version in ("other", "here")
    ]
    with checkout(asked.commit) as other:
        carry_out(asked, cases, lambda case: measure(case, other), table)


if __name__ == "__main__":
    main()
