"""What the README says of each request: accuracy and time on the same pictures.

anchor runs with every seed, the paper's methods, which may take a quarter of an hour each, with the first. At
the paper's learning rate ADV+IMP forgets little in that time, so it runs once more at ten times that rate.

    python -m benchmarks.requests [--seeds 0,1,2] [--only mnist] [--imagenet FOLDER] [--json]

Cases that are in the results file already are not run again; `--fresh` runs all anew. The ImageNet cases need
a folder or .zip of labelled ImageNet pictures (`NNN_wnid_name/*.jpg`), which is not part of the project.
"""

from collections.abc import Iterator

from benchmarks.running import Case, Result, arguments, carry_out, grouped, markdown, spread
from unlearn_core import load_classifier, load_images, unlearn

PAPER_METHODS = ("adv+imp", "adv", "neggrad")
PAPER_STEPS = 1500
"""The paper's methods may need far more steps than anchor; with the app's 300 they would not be done."""


def digit_cases(seed: int, compared: bool) -> Iterator[Case]:
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
        if compared:
            yield {
                "pick": f"random:{k}",
                "method": "adv+imp",
                "goal": "misclassify",
                "seed": seed,
                "max_steps": PAPER_STEPS,
                "options": {"learning_rate": 1e-2},
            }


def photo_cases() -> Iterator[Case]:
    """Yield the requests on a photo: the cat that ships, and one ImageNet picture."""
    for method in ("anchor", "adv"):
        for images, pick in (("photos", "ids:0"), ("folder", "random:1")):
            yield {"images": images, "pick": pick, "method": method, "goal": "misclassify", "seed": 0}


def measure(case: Case, imagenet: str | None) -> Result:
    """Run one case and return the command line's object."""
    request = {name: value for name, value in case.items() if name != "images"}
    if "images" not in case:
        classifier = load_classifier("mnist-resnet")
        return unlearn(classifier, load_images("mnist", classifier), **request).result.to_json()
    classifier = load_classifier("imagenet-efficientnet-lite0")
    folder = load_images(f"folder:{imagenet}", classifier)
    if case["images"] == "folder":
        return unlearn(classifier, folder, **request).result.to_json() | {"images": "folder"}
    photos = load_images("photos", classifier)
    return unlearn(classifier, photos, measure_on=folder, **request).result.to_json()


def summary(results: list[Result]) -> str:
    """Return what each method kept of each request: a row a request, a column a method."""
    groups = grouped(
        results, lambda r: (r["images"], r["case"]["goal"], r["case"]["pick"], _method(r["case"]))
    )
    methods = sorted({method for *_, method in groups}, key=lambda method: (method != "anchor", method))
    requests = {tuple(request) for *request, _ in groups}
    rows = []
    for images, goal, pick in sorted(requests, key=lambda one: (*one[:2], len(one[2]), one[2])):
        cells = [_kept(groups.get((images, goal, pick, method), [])) for method in methods]
        rows.append([f"{images} {pick}{', relabel' if goal == 'relabel' else ''}", *cells])
    return markdown(["forget", *methods], rows)


def _kept(same: list[Result]) -> str:
    """Return D_r afterwards, or agreement where labels are not the pictures' own, and what is left of D_f."""
    if not same:
        return ""
    kept = [
        r["accuracy"]["retain"]["after"] if r["images"] == "mnist" else r["agreement"]["retain"] for r in same
    ]
    left = [r["accuracy"]["forget"]["after"] for r in same]
    return spread(kept) + (f" ({spread(left)}% not forgotten)" if any(left) else "")


def table(results: list[Result]) -> str:
    """Return the results as Markdown, what was kept, then all: mean ± standard deviation over seeds."""
    head = [
        "images",
        "pick",
        "goal",
        "method",
        "forgotten",
        "D_f",
        "D_r",
        "D_test",
        "agreement",
        "steps",
        "seconds",
    ]
    rows = []
    for key, same in grouped(
        results, lambda r: (r["images"], r["case"]["pick"], r["case"]["goal"], _method(r["case"]))
    ).items():
        done = sum(result["stopped"] == "forgotten" for result in same)
        cells = [
            *(spread([r["accuracy"][g]["after"] for r in same]) for g in ("forget", "retain", "test")),
            spread([r["agreement"]["retain"] for r in same]),
            spread([r["steps"] for r in same]),
            spread([r["seconds"]["total"] for r in same]),
        ]
        rows.append([*key, f"{done} of {len(same)}", *cells])
    devices = sorted({result["device"] for result in results})
    said = f"\nAccuracy and agreement after, in percent. Device: {', '.join(devices)}.\n"
    return f"{summary(results)}\n{markdown(head, rows)}{said}"


def _method(case: Case) -> str:
    """Return the method and what differs from its defaults."""
    given = (f"{name.replace('_', ' ')} {value:g}" for name, value in case.get("options", {}).items())
    return ", ".join([case["method"], *given])


def main() -> None:
    """Run what is missing and print the table, or the results with `--json`."""
    parser = arguments(__doc__, "requests")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--only", choices=("mnist", "photos"))
    parser.add_argument("--imagenet", metavar="FOLDER", help="folder or .zip of ImageNet pictures")
    asked = parser.parse_args()
    cases: list[Case] = []
    if asked.only != "photos":
        for number, seed in enumerate(asked.seeds.split(",")):
            cases += digit_cases(int(seed), compared=number == 0)
    if asked.only != "mnist" and asked.imagenet:
        cases += photo_cases()
    carry_out(asked, cases, lambda case: measure(case, asked.imagenet), table)


if __name__ == "__main__":
    main()
