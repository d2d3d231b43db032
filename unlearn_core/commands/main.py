"""The command line: progress on stderr, results on stdout, exit code 2 for a `UserError`."""

import argparse
import io
import json
import logging
import os
import signal
import sys
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import argcomplete
from rich_argparse import RichHelpFormatter

from unlearn_core import __version__
from unlearn_core.artifacts.results import Result
from unlearn_core.catalog.picks import HELP as PICK_HELP
from unlearn_core.catalog.sources.registry import PATTERNS
from unlearn_core.commands.add import SOURCES, add_custom_commands, resolve_or_add
from unlearn_core.commands.app import add_app_command
from unlearn_core.commands.attribute import add_attribute_command
from unlearn_core.commands.catalog import add_catalog_command
from unlearn_core.commands.completion import classifier_names, complete, image_set_names, run_ids
from unlearn_core.commands.reference import add_reference_command
from unlearn_core.commands.runs import add_compare_command, add_runs_command
from unlearn_core.errors import UserError
from unlearn_core.forgetting.presets import PRESETS, preset_options
from unlearn_core.forgetting.registry import methods
from unlearn_core.forgetting.step import Step
from unlearn_core.store.chain import weights_before
from unlearn_core.store.request import DEFAULT, ForgetRequest
from unlearn_core.store.rows import Run
from unlearn_core.store.runs import Store, open_store


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    0, 2 for a `UserError`, 130 if cancelled, 141 if the reader of its output left, as `head` does.
    """
    for stream in (sys.stdout, sys.stderr):
        # A character that the console cannot encode becomes a question mark instead of an error.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    parser = _parser()
    argcomplete.autocomplete(parser)
    args, further = parser.parse_known_args(arguments)
    if further and "further" not in args:
        parser.error(f"unrecognized arguments: {' '.join(further)}")
    args.further = further
    if getattr(args, "data_dir", None):
        os.environ["UNLEARN_DATA_DIR"] = args.data_dir
    if not sys.warnoptions:
        # Warnings of libraries about a file do not help its user.
        warnings.simplefilter("ignore")
    logging.getLogger("huggingface_hub").setLevel(logging.CRITICAL)
    try:
        _check_text(sys.argv[1:] if arguments is None else arguments)
        code = int(args.run_command(args) or 0)
        sys.stdout.flush()
    except UserError as error:
        print(f"unlearn_core: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # What is left in the buffer would fail again at the end of the process.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    return code


def _check_text(arguments: Sequence[str]) -> None:
    """Raise `UserError` for an argument whose bytes are not text: it cannot be stored with a run."""
    for one in arguments:
        try:
            one.encode()
        except UnicodeEncodeError as error:
            raise UserError(f"The argument {os.fsencode(one)!r} is not text in UTF-8.") from error


class _HelpFormatter(RichHelpFormatter):
    """Help in colours where the terminal has them; square brackets are text, not markup."""

    group_name_formatter = str
    help_markup = text_markup = False


class _Parser(argparse.ArgumentParser):
    """A parser whose subcommands share its help formatter."""

    def __init__(self, **options: Any) -> None:
        super().__init__(formatter_class=_HelpFormatter, **options)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m unlearn_core", description="See a classifier forget.")
    parser.add_argument("--version", action="version", version=f"unlearn_core {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_forget(commands)
    add_app_command(commands)
    add_catalog_command(commands)
    add_custom_commands(commands)
    add_runs_command(commands)
    add_compare_command(commands)
    add_attribute_command(commands)
    train = commands.add_parser("train", help="retrain a shipped classifier")
    train.add_argument("classifier", help="its name in the catalog")
    train.add_argument("--images", default="mnist", help="the image set to train on")
    _add_data_dir(train)
    train.add_argument("--seed", type=int, default=0)
    train.add_argument("--out", help="file for the weights; by default the shipped ones are overwritten")
    train.set_defaults(run_command=_train)
    add_reference_command(commands)
    return parser


def _add_forget(commands: Any) -> None:
    forget = commands.add_parser("forget", help="make a classifier forget pictures")
    classifier = forget.add_argument(
        "--classifier", default=DEFAULT.classifier, help=f"a name in the catalog, {SOURCES}"
    )
    forget.add_argument("--architecture", help="of a classifier file:PATH: torchvision:NAME or timm:NAME")
    images = forget.add_argument(
        "--images", default=DEFAULT.images, help=f"a name in the catalog, {PATTERNS}"
    )
    _add_data_dir(forget)
    forget.add_argument("--pick", default=DEFAULT.pick, help=PICK_HELP)
    _add_goal_and_method(forget)
    forget.add_argument("--seed", type=int, default=DEFAULT.seed)
    forget.add_argument("--device", default=DEFAULT.device, help="auto, cuda, mps or cpu")
    forget.add_argument("--max-steps", type=int, default=DEFAULT.max_steps)
    also = forget.add_argument(
        "--measure-on", metavar="IMAGES", help="a second image set, measured as retained"
    )
    after = forget.add_argument("--after", metavar="RUN", help="start from the classifier of another run")
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
    forget.add_argument("--name", help="the run's name")
    forget.add_argument("--json", action="store_true", help="print one JSON object")
    forget.set_defaults(run_command=_forget)
    complete(classifier, classifier_names)
    complete(images, image_set_names)
    complete(also, image_set_names)
    complete(after, run_ids)


def _add_goal_and_method(forget: argparse.ArgumentParser) -> None:
    forget.add_argument("--goal", default=DEFAULT.goal, choices=("misclassify", "relabel"))
    forget.add_argument(
        "--new-label",
        action="append",
        default=[],
        metavar="ID=CLASS",
        help="goal relabel: the new class index of a picture; by default its second most likely class",
    )
    names = [entry.name for entry in methods()]
    method = forget.add_argument("--method", default=DEFAULT.method, help=", ".join(names))
    forget.add_argument(
        "--option", action="append", default=[], metavar="NAME=NUMBER", help="set an option of the method"
    )
    preset = forget.add_argument("--preset", help=f"the paper's options for {', '.join(PRESETS)}")
    complete(method, lambda: names)
    complete(preset, lambda: PRESETS)


def _add_data_dir(command: argparse.ArgumentParser) -> None:
    command.add_argument("--data-dir", metavar="FOLDER", help="folder of torchvision's data sets")


def _forget(args: argparse.Namespace) -> int:
    preset = preset_options(args.preset, args.method) if args.preset else {}
    request = ForgetRequest.parse(
        classifier=resolve_or_add(args.classifier, args.architecture),
        images=args.images,
        pick=args.pick,
        goal=args.goal,
        new_labels=dict(_labels(args.new_label)),
        method=args.method,
        options=preset | _pairs(args.option),
        seed=args.seed,
        device=args.device,
        max_steps=args.max_steps,
        measure_on=args.measure_on,
        after=args.after,
        retained=args.retained,
        strength=args.strength,
    )
    request.check_names()
    store = open_store()
    weights_before(store, request)
    run = store.create(request, args.name)
    result = _run_here(store, run, request.max_steps)
    if result is None:
        print("Cancelled before the first step.", file=sys.stderr)
        return 130
    if args.json:
        print(json.dumps(result.to_json()))
    else:
        print(_in_words(result))
    return 130 if result.stopped == "cancelled" else 0


def _run_here(store: Store, run: Run, max_steps: int) -> Result | None:
    """Carry out a run in this process with a progress bar; Ctrl-C cancels it cleanly.

    Returns:
        The result, or None where it was cancelled before there was one.
    """
    from tqdm import tqdm

    from unlearn_core.jobs.carry_out import run_forget

    signal.signal(signal.SIGINT, lambda _signal, _frame: store.request_cancel(run.id))
    with tqdm(total=max_steps, unit="step", file=sys.stderr, desc=f"run {run.id}") as bar:
        try:
            run_forget(store, run.id, on_step=lambda step: _show(bar, step))
        except UserError:
            # Of a request that cannot be met only the message remains.
            bar.leave = False
            if not store.steps(run.id):
                store.delete(run.id)
            raise
    return store.get(run.id).parsed_result()


def _show(bar: Any, step: Step) -> None:
    bar.set_postfix_str(f"D_f {step.forget_accuracy:.0f} %")
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


def _labels(texts: Sequence[str]) -> Iterator[tuple[int, int]]:
    for text in texts:
        picture, _, label = text.partition("=")
        if not (picture.isdecimal() and label.isdecimal()):
            raise UserError(f"{text!r} is not of the form ID=CLASS with two whole numbers.")
        yield int(picture), int(label)


def _in_words(result: Result) -> str:
    """Return the result as a few lines of text."""
    lines = [f"run {result.run}: {result.stopped} after {result.steps} steps on {result.device}"]
    for title, accuracy, agreement in (
        ("D_f", result.accuracy.forget, None),
        ("D_r", result.accuracy.retain, result.agreement.retain),
        ("D_test", result.accuracy.test, result.agreement.test),
    ):
        if accuracy.n:
            lines.append(f"{title:7}{accuracy.before:6.2f} → {accuracy.after:6.2f} % of {accuracy.n}")
        elif agreement is not None:
            lines.append(f"{title:7}agrees with the original on {agreement:.2f} %")
    for one in result.earlier:
        lines.append(f"earlier run {one.run}: {one.after:.2f} % of {one.n} recognised")
    lines += [f"{result.seconds.total:.1f} seconds", *result.remarks]
    return "\n".join(lines)


def _train(args: argparse.Namespace) -> None:
    from pathlib import Path

    from unlearn_core.commands.train import train_shipped

    out = None if args.out is None else Path(args.out)
    print(train_shipped(args.classifier, args.images, args.seed, out))
