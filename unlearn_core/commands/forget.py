"""The command `forget`: one run in this process."""

import argparse
import json
import signal
import sys
import threading
from collections.abc import Sequence
from typing import Any

from unlearn_core.artifacts.results import Depth, Result
from unlearn_core.catalog.picks import HELP as PICK_HELP
from unlearn_core.catalog.sources.registry import PATTERNS
from unlearn_core.commands.add import SOURCES, add_data_dir, resolve_or_add
from unlearn_core.commands.completion import classifier_names, complete, image_set_names, run_ids
from unlearn_core.errors import UserError
from unlearn_core.forgetting.depths import DEPTHS, depth_number
from unlearn_core.forgetting.presets import PRESETS, preset_options
from unlearn_core.forgetting.registry import methods
from unlearn_core.forgetting.step import Step
from unlearn_core.store.chain import weights_before
from unlearn_core.store.request import DEFAULT, ForgetRequest
from unlearn_core.store.rows import Run
from unlearn_core.store.runs import Store, open_store


def add_forget_command(commands: Any) -> None:
    """Add the command to the parser."""
    forget = commands.add_parser("forget", help="make a classifier forget pictures")
    classifier = forget.add_argument(
        "--classifier", default=DEFAULT.classifier, help=f"a name in the catalog, {SOURCES}"
    )
    forget.add_argument("--architecture", help="of a classifier file:PATH: torchvision:NAME or timm:NAME")
    images = forget.add_argument(
        "--images", default=DEFAULT.images, help=f"a name in the catalog, {PATTERNS}"
    )
    add_data_dir(forget)
    forget.add_argument("--pick", default=DEFAULT.pick, help=PICK_HELP)
    _add_goal_and_method(forget)
    _add_settings(forget)
    also = forget.add_argument(
        "--measure-on", metavar="IMAGES", help="a second image set, measured as retained"
    )
    after = forget.add_argument("--after", metavar="RUN", help="start from the classifier of another run")
    forget.add_argument("--name", help="the run's name")
    forget.add_argument(
        "--measure",
        type=int,
        default=DEFAULT.measure,
        metavar="N",
        help="measure D_r and D_test on N pictures drawn at random; 0: on all",
    )
    forget.add_argument("--json", action="store_true", help="print one JSON object")
    forget.set_defaults(run_command=_forget)
    complete(classifier, classifier_names)
    complete(images, image_set_names)
    complete(also, image_set_names)
    complete(after, run_ids)


def _add_settings(forget: argparse.ArgumentParser) -> None:
    forget.add_argument("--seed", type=int, default=DEFAULT.seed)
    forget.add_argument("--device", default=DEFAULT.device, help="auto, cuda, mps or cpu")
    fixed = ", ".join(entry.name for entry in methods() if entry.fixed_length)
    forget.add_argument(
        "--max-steps",
        type=int,
        default=DEFAULT.max_steps,
        help=f"the most steps to take; no limit for {fixed}, whose length is given",
    )
    forget.add_argument(
        "--retained",
        type=int,
        default=DEFAULT.retained,
        metavar="N",
        help="pictures of the retain set that the method may train on, at most",
    )
    forget.add_argument(
        "--strength",
        type=float,
        default=DEFAULT.strength,
        help="weight interpolation from before (0) to after (1), up to 1.5",
    )


def _add_goal_and_method(forget: argparse.ArgumentParser) -> None:
    forget.add_argument("--goal", default=DEFAULT.goal, choices=("misclassify", "relabel"))
    forget.add_argument(
        "--new-label",
        action="append",
        default=[],
        metavar="ID=CLASS",
        help="goal relabel: the new class index of a picture; by default the most likely other class",
    )
    names = [entry.name for entry in methods()]
    method = forget.add_argument("--method", default=DEFAULT.method, help=", ".join(names))
    forget.add_argument(
        "--depth", choices=[one.name for one in DEPTHS], help="of the method anchor: how deep to forget"
    )
    forget.add_argument(
        "--option", action="append", default=[], metavar="NAME=NUMBER", help="set an option of the method"
    )
    preset = forget.add_argument("--preset", help=f"the paper's options for {', '.join(PRESETS)}")
    complete(method, lambda: names)
    complete(preset, lambda: PRESETS)


def _forget(args: argparse.Namespace) -> int:
    preset = preset_options(args.preset, args.method) if args.preset else {}
    if args.new_label and args.goal != "relabel":
        raise UserError("--new-label needs --goal relabel.")
    request = ForgetRequest.parse(
        classifier=resolve_or_add(args.classifier, args.architecture),
        images=args.images,
        pick=args.pick,
        goal=args.goal,
        new_labels=_labels(args.new_label),
        method=args.method,
        options=preset | _options(args.depth, args.option),
        seed=args.seed,
        device=args.device,
        max_steps=args.max_steps,
        measure_on=args.measure_on,
        after=args.after,
        retained=args.retained,
        strength=args.strength,
        measure=args.measure,
    )
    request.check_names()
    store = open_store()
    weights_before(store, request)
    run = store.create(request, args.name)
    try:
        return carry_out_here(store, run, args.json)
    except UserError:
        # Of a request that cannot be met only the message remains.
        if not store.steps(run.id):
            store.delete(run.id)
        raise


def carry_out_here(store: Store, run: Run, as_json: bool) -> int:
    """Carry out a queued run in this process, print its result, and return the exit status."""
    request = run.parsed_request()
    result = _run_here(store, run, request.max_steps)
    if result is None:
        print("Cancelled before the first step.", file=sys.stderr)
        return 130
    if as_json:
        print(json.dumps(result.to_json(), allow_nan=False))
    else:
        print(_in_words(result, request.strength))
    return 130 if result.stopped == "cancelled" else 0


def _options(depth: str | None, texts: Sequence[str]) -> dict[str, float]:
    pairs = _pairs(texts)
    if depth is None:
        return pairs
    if "depth" in pairs:
        raise UserError("Give --depth or --option depth, not both.")
    return pairs | {"depth": depth_number(depth)}


def _run_here(store: Store, run: Run, max_steps: int) -> Result | None:
    """Carry out a run in this process with a progress bar; Ctrl-C cancels it cleanly.

    Returns:
        The result, or None where it was cancelled before there was one.
    """
    from tqdm import tqdm

    from unlearn_core.jobs.carry_out import run_forget

    signal.signal(signal.SIGINT, lambda _signal, _frame: _cancel_beside(store, run.id))
    with tqdm(total=max_steps, unit="step", file=sys.stderr, desc=f"run {run.id}") as bar:
        try:
            run_forget(store, run.id, on_step=lambda step: _show(bar, step))
        except UserError:
            bar.leave = False
            raise
    return store.get(run.id).parsed_result()


def _cancel_beside(store: Store, run_id: str) -> None:
    # In a thread: the interrupted code may hold the lock of the database that this needs.
    threading.Thread(target=store.request_cancel, args=(run_id,)).start()


def _show(bar: Any, step: Step) -> None:
    bar.set_postfix_str(f"D_f {step.forget_accuracy:.0f}%")
    bar.update(step.step - bar.n)


def _pairs(texts: Sequence[str]) -> dict[str, float]:
    pairs: dict[str, float] = {}
    for text in texts:
        name, equals, number = text.partition("=")
        if name in pairs:
            raise UserError(f"The option {name} is given twice.")
        try:
            pairs[name] = float(number)
        except ValueError as error:
            raise UserError(f"{text!r} is not of the form NAME=NUMBER.") from error
        if not name or not equals:
            raise UserError(f"{text!r} is not of the form NAME=NUMBER.")
    return pairs


def _labels(texts: Sequence[str]) -> dict[int, int]:
    labels: dict[int, int] = {}
    for text in texts:
        picture, _, label = text.partition("=")
        if not (picture.isdecimal() and label.isdecimal()):
            raise UserError(f"{text!r} is not of the form ID=CLASS with two whole numbers.")
        if int(picture) in labels:
            raise UserError(f"The new label of picture {int(picture)} is given twice.")
        labels[int(picture)] = int(label)
    return labels


def _in_words(result: Result, strength: float) -> str:
    """Return the result as a few lines of text."""
    steps = "1 step" if result.steps == 1 else f"{result.steps} steps"
    when = f"after {steps}"
    if result.stopped == "cancelled" and not result.steps:
        when = "before the first step"
    at = "" if strength == 1 else f", then set to strength {strength:g}"
    lines = [f"run {result.run}: {result.stopped} {when} on {result.device}{at}"]
    for title, accuracy, agreement in (
        ("D_f", result.accuracy.forget, None),
        ("D_r", result.accuracy.retain, result.agreement.retain),
        ("D_test", result.accuracy.test, result.agreement.test),
    ):
        if accuracy.n:
            lines.append(f"{title:7}{accuracy.before:6.2f} → {accuracy.after:6.2f}% of {accuracy.n}")
        elif agreement is not None:
            lines.append(f"{title:7}agrees with the original on {agreement:.2f}%")
    if result.depth is not None:
        lines.append(_depth_in_words(result.depth))
    if result.never_seen is not None:
        share = result.never_seen.recognised
        lines.append(f"classifiers that never saw these pictures recognise {share:.0f}% of them")
    for one in result.earlier:
        lines.append(f"earlier run {one.run}: {one.after:.2f}% of {one.n} recognised")
    lines += [f"{result.seconds.total:.1f} seconds", *result.remarks]
    return "\n".join(lines)


def _depth_in_words(depth: Depth) -> str:
    copies = depth.changed_copies
    words = f"slightly changed copies recognised: {copies.before:.0f} → {copies.after:.0f}%"
    return (
        f"{words}; with weights rounded to 8 and 4 bits {depth.rounded_8_bits:.0f} and "
        f"{depth.rounded_4_bits:.0f}% are recognised"
    )
