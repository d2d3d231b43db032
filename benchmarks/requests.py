"""What the README says of each request: accuracy and time on the same pictures.

anchor runs with every seed, the paper's methods, which may take a quarter of an hour each, with the first.

    python -m benchmarks.requests [--seeds 0,1,2] [--only mnist] [--imagenet FOLDER] [--json]

Cases that are in the results file already are not run again; `--fresh` runs all anew. The ImageNet cases need
a folder or .zip of labelled ImageNet pictures (`NNN_wnid_name/*.jpg`), which is not part of the project.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from tqdm import tqdm

from benchmarks.results_file import RESULTS, ResultsFile
from unlearn_core import load_classifier, load_images, unlearn

PAPER_METHODS = ("adv+imp", "adv", "neggrad")
PAPER_STEPS = 1500
"""The paper's methods may need far more steps than anchor; with the app's 300 they would not be done."""


def digit_cases(seed: int, compared: bool) -> Iterator[dict[str, Any]]:
    """Yield the requests on digits, those of the paper's methods where they are `compared`."""
    yield {"pick": "hardest:16", "method": "anchor", "goal": "misclassify", "seed": seed}
    yield {"pick": "hardest:16", "method": "anchor", "goal": "relabel", "seed": seed}
    for k in (1, 4, 16):
        yield {"pick": f"random:{k}", "method": "anchor", "goal": "misclassify", "seed": seed}
        for method in PAPER_METHODS if compared else ():
            yield {
                "pick": f"random:{k}",
                "method": method,
                "goal": "misclassify",
                "seed": seed,
                "max_steps": PAPER_STEPS,
            }


def photo_cases() -> Iterator[dict[str, Any]]:
    """Yield the requests on a photo: the cat that ships, and one ImageNet picture."""
    for method in ("anchor", "adv"):
        for images, pick in (("photos", "ids:0"), ("folder", "random:1")):
            yield {"images": images, "pick": pick, "method": method, "goal": "misclassify", "seed": 0}


def measure(case: dict[str, Any], imagenet: str | None) -> dict[str, Any]:
    """Run one case and return the command line's object."""
    request = {name: value for name, value in case.items() if name != "images"}
    if "images" not in case:
        classifier = load_classifier("mnist-resnet")
        return unlearn(classifier, load_images("mnist", classifier), **request).result
    classifier = load_classifier("imagenet-efficientnet-lite0")
    folder = load_images(f"folder:{imagenet}", classifier)
    if case["images"] == "folder":
        return unlearn(classifier, folder, **request).result | {"images": "folder"}
    photos = load_images("photos", classifier)
    return unlearn(classifier, photos, measure_on=folder, **request).result


def table(cases: dict[str, Any]) -> str:
    """Return the results as Markdown: mean ± standard deviation over the seeds."""
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for result in cases.values():
        case = result["case"]
        key = (result["images"], case["pick"], case["goal"], case["method"])
        groups.setdefault(key, []).append(result)
    lines = [
        "| images | pick | goal | method | forgotten | D_f | D_r | D_test | agreement | steps | seconds |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for (images, pick, goal, method), results in sorted(groups.items()):
        done = sum(result["stopped"] == "forgotten" for result in results)
        cells = [
            *(_spread([r["accuracy"][g]["after"] for r in results]) for g in ("forget", "retain", "test")),
            _spread([r["agreement"]["retain"] for r in results]),
            _spread([r["steps"] for r in results]),
            _spread([r["seconds"]["total"] for r in results]),
        ]
        row = [images, pick, goal, method, f"{done} of {len(results)}", *cells]
        lines.append(f"| {' | '.join(row)} |")
    devices = sorted({result["device"] for result in cases.values()})
    return "\n".join(lines) + f"\n\nAccuracy and agreement after, in percent. Device: {', '.join(devices)}.\n"


def _spread(values: list[float | None]) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return "–"
    return f"{mean(known):.2f}" + (f" ± {stdev(known):.2f}" if len(known) > 1 else "")


def main() -> None:
    """Run what is missing and print the table, or the results with `--json`."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--only", choices=("mnist", "photos"))
    parser.add_argument("--imagenet", metavar="FOLDER", help="folder or .zip of ImageNet pictures")
    parser.add_argument("--fresh", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--out", type=Path, default=RESULTS / "requests.json")
    asked = parser.parse_args()
    if asked.fresh:
        asked.out.unlink(missing_ok=True)
    results = ResultsFile(asked.out)
    cases: list[dict[str, Any]] = []
    if asked.only != "photos":
        for number, seed in enumerate(asked.seeds.split(",")):
            cases += digit_cases(int(seed), compared=number == 0)
    if asked.only != "mnist" and asked.imagenet:
        cases += photo_cases()
    for case in tqdm(cases, file=sys.stderr, unit="case"):
        key = json.dumps(case, sort_keys=True)
        if key not in results.cases:
            results.add(key, {"case": case, **measure(case, asked.imagenet)})
    asked.out.with_suffix(".md").write_text(table(results.cases))
    print(json.dumps(results.cases) if asked.json else table(results.cases))


if __name__ == "__main__":
    main()
