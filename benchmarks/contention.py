"""How much a forward and backward pass slows down beside other work, by how torch's threads wait.

    python -m benchmarks.contention [--rounds 7] [--seconds 3] [--json]

A pass goes forward and back through mnist-resnet with 208 digits. A lane is a process of its own, as the app
has two, with as many threads as torch chooses. Two lanes wait as the app's do (passive), two by torch's
default. Every round times each situation once by each way of waiting, so that what else the machine does
falls on all of them alike. Run it on an otherwise idle machine.
"""

import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from multiprocessing.connection import Connection
from statistics import median

from benchmarks.running import Case, Result, arguments, carry_out, markdown
from unlearn_core.common.threads import patient_threads

PICTURES = 208
FEWEST_PASSES = 3
WAITS = ("passive", "torch's default")
SITUATIONS = ("alone", "beside one busy process", "both lanes at once")

Lanes = dict[str, Sequence[Connection]]
"""By how they wait, two each: send seconds, receive the median seconds of a pass."""


def lane(orders: Connection, wait: str) -> None:
    """Say the device, then time passes for as many seconds as are ordered, until `None` is."""
    # torch reads these when it is loaded, hence the imports below.
    for name in patient_threads({}):
        os.environ.pop(name, None)
    if wait == "passive":
        os.environ.update(patient_threads({}))
    import torch

    from unlearn_core import load_classifier, load_images
    from unlearn_core.common.devices import describe
    from unlearn_core.measuring.predict import to_pixels

    classifier = load_classifier("mnist-resnet")
    module = classifier.module.to(memory_format=torch.channels_last)
    pixels = to_pixels(load_images("mnist", classifier).pixels[:PICTURES], torch.device("cpu"))

    def one_pass() -> float:
        start = time.perf_counter()
        module(pixels).logsumexp(1).sum().backward()
        return time.perf_counter() - start

    one_pass()
    orders.send(describe(torch.device("cpu")))
    while (seconds := orders.recv()) is not None:
        end = time.perf_counter() + seconds
        passes: list[float] = []
        while len(passes) < FEWEST_PASSES or time.perf_counter() < end:
            passes.append(one_pass())
        orders.send(median(passes))


@contextmanager
def two_lanes(wait: str) -> Iterator[tuple[str, Sequence[Connection]]]:
    """Start two lanes; yield their device in words and the ends that order them."""
    fresh = multiprocessing.get_context("spawn")
    ends, processes = [], []
    for _ in range(2):
        ours, theirs = fresh.Pipe()
        processes.append(fresh.Process(target=lane, args=(theirs, wait), daemon=True))
        processes[-1].start()
        ends.append(ours)
    devices = [end.recv() for end in ends]
    try:
        yield devices[0], ends
    finally:
        for end, process in zip(ends, processes, strict=True):
            end.send(None)
            process.join()


@contextmanager
def busy_process() -> Iterator[None]:
    """Keep one core busy."""
    code = "print(flush=True)\nwhile True: pass"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as busy:
        assert busy.stdout is not None
        busy.stdout.readline()
        try:
            yield
        finally:
            busy.kill()


def measure(case: Case, device: str, lanes: Lanes) -> Result:
    """Return one round's seconds of a pass, by way of waiting and situation."""
    found: dict[str, dict[str, float]] = {wait: {} for wait in WAITS}
    for situation in SITUATIONS:
        # Every other round begins with the other way of waiting.
        for wait in WAITS[:: 1 - 2 * (case["round"] % 2)]:
            at_work = lanes[wait] if situation == "both lanes at once" else lanes[wait][:1]
            beside: AbstractContextManager[None] = nullcontext()
            if situation == "beside one busy process":
                beside = busy_process()
            with beside:
                for end in at_work:
                    end.send(case["seconds"])
                found[wait][situation] = max(end.recv() for end in at_work)
    return {"device": device, "pass_seconds": found}


def table(results: list[Result]) -> str:
    """Return the results as Markdown: medians over the rounds with the lowest and the highest."""
    rounds = [result["pass_seconds"] for result in results]
    rows = []
    for situation in SITUATIONS:
        seconds = {wait: [one[wait][situation] for one in rounds] for wait in WAITS}
        alone = {wait: [one[wait]["alone"] for one in rounds] for wait in WAITS}
        rows.append(
            [
                situation,
                *(_spread(seconds[wait], 3) for wait in WAITS),
                *(_spread(_ratios(seconds[wait], alone[wait]), 1) for wait in WAITS),
                _spread(_ratios(seconds[WAITS[1]], seconds[WAITS[0]]), 1),
            ]
        )
    head = [
        "a pass",
        *(f"{wait}, s" for wait in WAITS),
        *(f"{wait}: times as long as alone" for wait in WAITS),
        "passive: times as fast",
    ]
    devices = sorted({result["device"] for result in results})
    return markdown(head, rows) + (
        f"\n{PICTURES} digits forward and back through mnist-resnet in float32; {len(rounds)} rounds on "
        f"{os.cpu_count()} cores, each lane on {', '.join(devices)}. Median (lowest to highest) over the "
        "rounds; ratios are taken within a round.\n"
    )


def _ratios(above: Sequence[float], below: Sequence[float]) -> list[float]:
    return [one / other for one, other in zip(above, below, strict=True)]


def _spread(values: Sequence[float], digits: int) -> str:
    low, middle, high = (f"{value:.{digits}f}" for value in (min(values), median(values), max(values)))
    return f"{middle} ({low} to {high})"


def main() -> None:
    """Run the rounds that are missing and print the table, or the results with `--json`."""
    parser = arguments(__doc__, "contention")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=3, help="how long each situation is timed")
    asked = parser.parse_args()
    cases = [{"round": number, "seconds": asked.seconds} for number in range(asked.rounds)]
    with ExitStack() as running:
        started = {wait: running.enter_context(two_lanes(wait)) for wait in WAITS}
        lanes = {wait: ends for wait, (_, ends) in started.items()}
        device = started["passive"][0]
        carry_out(asked, cases, lambda case: measure(case, device, lanes), table)


if __name__ == "__main__":
    main()
