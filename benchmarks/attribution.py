"""How long attributions take: many pictures at once against one call a picture.

    python -m benchmarks.attribution [--pictures 16] [--repeats 3] [--json]

For each algorithm, the maps of mnist-resnet for the same pictures, before and after as on the page, made in
one call and one by one, in one process. The last line adds four algorithms up, as a person looks at them.
"""

import time
from collections.abc import Callable

import numpy as np
import torch

from benchmarks.running import Case, Result, arguments, carry_out, markdown, spread
from unlearn_core import load_classifier, load_images
from unlearn_core.devices import describe
from unlearn_core.measuring.algorithms import offered
from unlearn_core.measuring.attributions import attribute
from unlearn_core.measuring.looking import frozen
from unlearn_core.measuring.predictions import to_pixels

LOOKED_AT = ("integrated-gradients", "saliency", "layer-gradcam", "occlusion")


def measure(case: Case) -> Result:
    """Return the seconds of both ways for one algorithm, the shortest of several tries."""
    classifier = load_classifier("mnist-resnet")
    frozen(classifier.module)
    images = load_images("mnist", classifier)
    chosen = np.random.default_rng(0).permutation(len(images.ids))[: case["pictures"]]
    cpu = torch.device("cpu")
    pixels, labels = to_pixels(images.pixels[chosen], cpu), torch.from_numpy(images.labels[chosen])

    def together() -> None:
        for _ in ("before", "after"):
            attribute(classifier, pixels, labels, case["algorithm"])

    def one_by_one() -> None:
        for _ in ("before", "after"):
            for picture, label in zip(pixels.split(1), labels.split(1), strict=True):
                attribute(classifier, picture, label, case["algorithm"])

    return {
        "device": describe(cpu),
        "together": _seconds(together, case["repeats"]),
        "one_by_one": _seconds(one_by_one, case["repeats"]),
    }


def _seconds(work: Callable[[], None], repeats: int) -> float:
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return round(min(times), 4)


def table(results: list[Result]) -> str:
    """Return the results as Markdown, with the sum over `LOOKED_AT` at the end."""
    rows = [_row(result["case"]["algorithm"], [result]) for result in results]
    rows.append(
        _row(
            "these four: " + ", ".join(LOOKED_AT),
            [result for result in results if result["case"]["algorithm"] in LOOKED_AT],
        )
    )
    case = results[0]["case"]
    head = ["algorithm", "at once, s", "one by one, s", "times faster"]
    said = f"\nmnist-resnet, {case['pictures']} pictures before and after, {results[0]['device']}.\n"
    return markdown(head, rows) + said


def _row(title: str, results: list[Result]) -> list[str]:
    together, alone = (sum(result[way] for result in results) for way in ("together", "one_by_one"))
    return [title, spread([together]), spread([alone]), spread([alone / together], 1)]


def main() -> None:
    """Run what is missing and print the table, or the results with `--json`."""
    parser = arguments(__doc__, "attribution")
    parser.add_argument("--pictures", type=int, default=16)
    parser.add_argument("--repeats", type=int, default=3)
    asked = parser.parse_args()
    cases = [
        {"algorithm": entry.name, "pictures": asked.pictures, "repeats": asked.repeats}
        for entry in offered("mnist-resnet")
    ]
    carry_out(asked, cases, measure, table)


if __name__ == "__main__":
    main()
