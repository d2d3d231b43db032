"""How long attributions take: many pictures at once against one plain call of Captum a picture.

    python -m benchmarks.attribution [--pictures 16] [--repeats 3] [--json]

For each algorithm, the maps of mnist-resnet for the same pictures, before and after as on the page, in one
process: all at once; one by one by the same function; and by Captum as it comes, one call a picture, with
the same parameters but nothing that batches or skips work (`PLAIN`). *Apart* is how far the maps of the first
and the last way lie from each other. The last line adds four algorithms up, as a person looks at them.
"""

import time
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from captum.attr import IntegratedGradients, Occlusion
from torch import Tensor

from benchmarks.running import Case, Result, arguments, carry_out, markdown, spread
from unlearn_core import load_classifier, load_images
from unlearn_core.catalog.classifiers import Classifier
from unlearn_core.common.devices import choose_device, describe
from unlearn_core.measuring.attribution.algorithms.layer_gradcam import LayerGradCam
from unlearn_core.measuring.attribution.algorithms.saliency import Saliency
from unlearn_core.measuring.attribution.explain import attribute
from unlearn_core.measuring.attribution.registry import offered
from unlearn_core.measuring.finished_run import frozen
from unlearn_core.measuring.predict import to_pixels

LOOKED_AT = ("integrated-gradients", "saliency", "layer-gradcam", "occlusion")


def _plain_integrated_gradients(classifier: Classifier, picture: Tensor, label: Tensor) -> Tensor:
    return IntegratedGradients(classifier.module).attribute(
        picture, target=label, method="riemann_middle", n_steps=256
    )


def _plain_occlusion(classifier: Classifier, picture: Tensor, label: Tensor) -> Tensor:
    return Occlusion(classifier.module).attribute(picture, (1, 4, 4), (1, 2, 2), target=label)


PLAIN: dict[str, Callable[[Classifier, Tensor, Tensor], Tensor]] = {
    "integrated-gradients": _plain_integrated_gradients,
    # These two hand everything to Captum in one call as they are.
    "saliency": partial(Saliency().explain, settings={}),
    "layer-gradcam": partial(LayerGradCam().explain, settings={}),
    "occlusion": _plain_occlusion,
}


def measure(case: Case) -> Result:
    """Return the seconds of every way for one algorithm, the shortest of several tries."""
    classifier = load_classifier("mnist-resnet")
    device = choose_device("auto")
    frozen(classifier.module.to(device))
    images = load_images("mnist", classifier)
    chosen = np.random.default_rng(0).permutation(len(images.ids))[: case["pictures"]]
    pixels = to_pixels(images.pixels[chosen], device).contiguous(memory_format=torch.channels_last)
    labels = torch.from_numpy(images.labels[chosen]).to(device)
    singles = list(zip(pixels.split(1), labels.split(1), strict=True))
    name, plain = case["algorithm"], PLAIN.get(case["algorithm"])

    def together() -> Tensor:
        return torch.from_numpy(attribute(classifier, pixels, labels, name))

    def one_by_one() -> Tensor:
        return torch.cat([torch.from_numpy(attribute(classifier, *single, name)) for single in singles])

    together()  # A GPU's first kernels take seconds to load.
    result = {"device": describe(device), "together": _seconds(together, case["repeats"])}
    result["one_by_one"] = _seconds(one_by_one, case["repeats"])
    if plain is not None:

        def as_it_comes() -> Tensor:
            return torch.cat([plain(classifier, *single).detach().sum(1).cpu() for single in singles])

        result["plain"] = _seconds(as_it_comes, case["repeats"])
        maps = as_it_comes()
        result["apart"] = float((together() - maps).abs().max() / maps.abs().max())
    return result


def _seconds(work: Callable[[], Tensor], repeats: int) -> float:
    """Return the seconds of doing it twice, for before and after."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        work()
        times.append(time.perf_counter() - start)
    return round(min(times), 4)


def table(results: list[Result]) -> str:
    """Return the results as Markdown, with the sum over `LOOKED_AT` at the end."""
    rows = [_row(result["case"]["algorithm"], [result]) for result in results]
    four = [result for result in results if result["case"]["algorithm"] in LOOKED_AT]
    rows.append(_row("these four: " + ", ".join(LOOKED_AT), four))
    case = results[0]["case"]
    head = [
        "algorithm",
        "at once, s",
        "one by one, s",
        "plain, s",
        "× plain",
        "apart, % of the largest value",
    ]
    said = f"\nmnist-resnet, {case['pictures']} pictures before and after, {results[0]['device']}.\n"
    return markdown(head, rows) + said


def _row(title: str, results: list[Result]) -> list[str]:
    together, alone = (sum(result[way] for result in results) for way in ("together", "one_by_one"))
    cells = [title, spread([together]), spread([alone])]
    if not all("plain" in result for result in results):
        return [*cells, "–", "–", "–"]
    plain, apart = sum(result["plain"] for result in results), max(result["apart"] for result in results)
    return [*cells, spread([plain]), spread([plain / together], 1), spread([100 * apart], 2)]


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
