"""Every classifier of torchvision, and one of each family of timm: what of the project works on it.

    python -m benchmarks.architectures [--only NAME,NAME] [--seconds 900] [--largest 100] [--json]

Each has random weights and the smallest input size that it takes. It is added; what is kept must give the
logits of what was tried; each offered method takes a step; the maps of each offered algorithm must be right
on 16 photos (complete within 2%, the same alone and in a batch, others with another last layer); and one
picture is forgotten. Each runs in a process of its own, timm's before torchvision's, the small ones first.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torchvision import models

from benchmarks.running import Case, Result, arguments, carry_out, markdown
from unlearn_core import load_classifier, load_images, unlearn
from unlearn_core.catalog.custom.add_classifier import prepare
from unlearn_core.catalog.custom.behaviour import is_same, real_pictures
from unlearn_core.catalog.custom.build_network import torchvision_names
from unlearn_core.catalog.entries import classifier_entry
from unlearn_core.catalog.records.classifier_record import ClassifierSpecification, CustomClassifier
from unlearn_core.errors import UserError
from unlearn_core.forgetting.trial import try_methods
from unlearn_core.measuring.attribution.registry import offered
from unlearn_core.measuring.attribution.soundness import why_unsound
from unlearn_core.measuring.examine_classifier import add_examined
from unlearn_core.measuring.finished_run import frozen

SIZES = (32, 64, 96, 224, 240, 256)
PICTURES, MOST_MISSED = 16, 0.02
CLASSES = 10
TIMM = (
    *("starnet_s050", "mobilenetv3_small_050", "tinynet_e", "mobilevit_xxs", "repghostnet_050", "dla46_c"),
    *("edgenext_xx_small", "ghostnet_050", "efficientvit_b0", "efficientvit_m0", "regnetx_002"),
    *("cspnext_tiny", "iformer_t", "fasternet_t0", "lcnetv2_small", "xcit_nano_12_p8_224", "swiftformer_xs"),
    *("inception_next_atto", "efficientformerv2_s0", "convnext_atto", "pvt_v2_b0", "rexnet_100"),
    *("mobileone_s1", "hardcorenas_b", "hgnetv2_b0", "repvit_m0_9", "cpubone_nano", "tiny_vit_5m_224"),
    *("coat_tiny", "eva02_tiny_patch14_224", "convit_tiny", "deit_tiny_patch16_224", "vit_tiny_patch16_224"),
    *("efficientvim_m1", "shvit_s1", "mambaout_femto", "crossvit_tiny_240", "densenet121", "csatv2"),
    *("maxvit_pico_rw_256", "halonet_h1", "nf_regnet_b0", "dpn48b", "fastvit_s12", "resnest14d"),
    *("visformer_tiny", "pit_xs_224", "hrnet_w18_small", "resnetv2_18", "resnet18", "legacy_seresnet18"),
    *("efficientformer_l1", "poolformer_s12", "skresnet18", "gcvit_xxtiny", "cait_xxs24_224", "lowformer_b0"),
    *("darknet17", "nest_tiny", "mixer_s16_224", "convmixer_768_32", "legacy_xception", "vovnet39a"),
    *("vit_srelpos_small_patch16_224", "inception_v3", "vitamin_small_224", "res2next50", "rdnet_tiny"),
    *("tnt_s_legacy_patch16_224", "mvitv2_tiny", "twins_svt_small", "xception41p", "volo_d1_224"),
    *("sam2_hiera_tiny", "hiera_tiny_224", "sequencer2d_s", "swin_tiny_patch4_window7_224"),
    *("swinv2_cr_tiny_224", "swinv2_tiny_window8_256", "davit_tiny", "focalnet_tiny_srf"),
)
"""The smallest of each family with up to 30 million weights."""


def _names(largest: float) -> list[str]:
    """Return all architectures with up to `largest` million weights."""
    weights = {
        name: models.get_model_weights(name).DEFAULT.meta["num_params"] / 1e6 for name in torchvision_names()
    }
    small = [name for name in sorted(weights, key=weights.__getitem__) if weights[name] <= largest]
    return [*(f"timm:{name}" for name in TIMM), *(f"torchvision:{name}" for name in small)]


def measure(case: Case, seconds: int) -> Result:
    """Run one architecture in a process of its own and return what `look` printed, or how it ended."""
    command = [sys.executable, "-m", "benchmarks.architectures", "--look", case["architecture"]]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds)
    except subprocess.TimeoutExpired:
        return {"ended": f"not done after {seconds} s"}
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [""])[-1]
        return {"ended": f"exit {done.returncode}: {last}"}
    return dict(json.loads(done.stdout.splitlines()[-1]))


def look(architecture: str) -> Result:
    """Return what works on an architecture, in a home of its own."""
    with TemporaryDirectory() as home:
        os.environ["UNLEARN_HOME"] = home
        start = time.perf_counter()
        found = _added(Path(home), architecture)
        if isinstance(found, str):
            return {"refused": found}
        specification, record = found
        result: Result = {"size": record.input_size, "weights": record.parameters}
        result["add"] = round(time.perf_counter() - start, 1)
        return result | _kept(specification) | _algorithms() | _forgotten()


def _added(home: Path, architecture: str) -> tuple[ClassifierSpecification, CustomClassifier] | str:
    """Add a network at the smallest size at which it can be used, or return why it cannot be."""
    reason = ""
    for size in SIZES:
        specification = ClassifierSpecification(
            source=f"{architecture}:random", classes=CLASSES, input_size=size, name="net"
        )
        try:
            return specification, add_examined(home, specification)
        except UserError as error:
            reason = str(error)
    return reason


def _kept(specification: ClassifierSpecification) -> Result:
    """Return whether the kept network equals the tried one, and which methods are off or fail anyway."""
    _, tried = prepare(specification)
    kept, entry = load_classifier("net"), classifier_entry("net")
    pixels = real_pictures(kept.channels, kept.input_size)
    with torch.inference_mode():
        equal = is_same(tried(pixels), kept.module(pixels))
    failed, off = try_methods(kept.module, pixels[:2]).failed, dict(entry.methods_off)
    wrong = {name: reason for name, reason in failed.items() if name not in off}
    return {"kept": equal, "methods_off": off, "methods_wrong": wrong}


def _algorithms() -> Result:
    """Return which algorithms are off, and which are offered but wrong on 16 photos."""
    classifier, entry = load_classifier("net"), classifier_entry("net")
    frozen(classifier.module)
    pixels = real_pictures(classifier.channels, classifier.input_size, PICTURES)
    with torch.no_grad():
        targets = classifier.module(pixels).argmax(1)
    on = [one for one in offered("net") if ":" not in one.name]
    reasons = {one.name: why_unsound(one, classifier, pixels, targets, MOST_MISSED) for one in on}
    return {
        "algorithms_off": dict(entry.unsound or ()),
        "algorithms_wrong": {name: reason for name, reason in reasons.items() if reason},
        "cam_layers": classifier.cam_layers,
    }


def _forgotten() -> Result:
    """Forget one photo, and return after how many steps it is forgotten, None if it is not."""
    start, classifier = time.perf_counter(), load_classifier("net")
    images = load_images("photos", classifier)
    result = unlearn(classifier, images, pick="ids:0", max_steps=100, options={"depth": 0}).result
    return {
        "steps": result.steps if result.stopped == "forgotten" else None,
        "forget": round(time.perf_counter() - start, 1),
    }


def table(results: list[Result]) -> str:
    """Return the results as Markdown, with the numbers of what is right at the end."""
    head = ["network", "pixels", "M weights", "kept equals tried", "methods off", "methods wrong"]
    head += ["algorithms off", "algorithms wrong", "steps to forget", "seconds: add, forget"]
    rows = [[result["case"]["architecture"], *_cells(result)] for result in results]
    done = [one for one in results if "kept" in one]
    right = [one for one in done if one["kept"] and not one["methods_wrong"] and not one["algorithms_wrong"]]
    forgotten = sum(one["steps"] is not None for one in done)
    refused = sum("refused" in one for one in results)
    said = (
        f"\n{len(results)} networks: {len(done)} added, of which {len(right)} are right throughout and "
        f"{forgotten} forget the picture; {refused} refused; {len(results) - len(done) - refused} not done. "
        "Methods without `retrain`, which no added classifier has.\n"
    )
    return markdown(head, rows) + said


def _cells(result: Result) -> list[str]:
    if "kept" not in result:
        return [result.get("refused") or result["ended"], *["–"] * 8]
    off = [name for name in result["methods_off"] if name != "retrain"]
    return [
        str(result["size"]),
        f"{result['weights'] / 1e6:.1f}",
        "yes" if result["kept"] else "no",
        ", ".join(off),
        "; ".join(f"{name}: {reason}" for name, reason in result["methods_wrong"].items()),
        ", ".join(result["algorithms_off"]),
        "; ".join(f"{name}: {reason}" for name, reason in result["algorithms_wrong"].items()),
        "–" if result["steps"] is None else str(result["steps"]),
        f"{result['add']:.0f}, {result['forget']:.0f}",
    ]


def main() -> None:
    """Run what is missing and print the table, or the results with `--json`."""
    parser = arguments(__doc__, "architectures")
    parser.add_argument("--only", default="", metavar="NAME,NAME", help="such as timm:resnet18")
    parser.add_argument("--seconds", type=int, default=900, help="at most, for each")
    parser.add_argument("--largest", type=float, default=1000, metavar="MILLIONS", help="of weights")
    parser.add_argument("--look", help="look at this one here, and print what is found")
    asked = parser.parse_args()
    if asked.look:
        print(json.dumps(look(asked.look)))
        return
    names = asked.only.split(",") if asked.only else _names(asked.largest)
    cases: list[Case] = [{"architecture": name} for name in names]
    carry_out(asked, cases, lambda case: measure(case, asked.seconds), table)


if __name__ == "__main__":
    main()
