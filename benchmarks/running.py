"""What every benchmark does alike: its arguments, one result a case, a table and a figure of all of them."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import plotly.graph_objects as go
from tqdm import tqdm

from unlearn_core.common.files import atomic_write

RESULTS = Path(__file__).parent / "results"

Case = dict[str, Any]
Result = dict[str, Any]


def arguments(doc: str | None, name: str) -> argparse.ArgumentParser:
    """Return a parser of what all benchmarks understand; `name` is that of the results file."""
    parser = argparse.ArgumentParser(description=(doc or "").splitlines()[0])
    parser.add_argument("--fresh", action="store_true", help="run every case anew")
    parser.add_argument("--json", action="store_true", help="print the results instead of the table")
    parser.add_argument("--out", type=Path, default=RESULTS / f"{name}.json", metavar="FILE")
    return parser


def carry_out(
    args: argparse.Namespace,
    cases: Sequence[Case],
    measure: Callable[[Case], Result],
    table: Callable[[list[Result]], str],
    figure: Callable[[list[Result]], go.Figure] | None = None,
) -> None:
    """Run the cases that have no result yet, keep each at once, then write and print the table.

    Beside the results file comes a Markdown file with the table and, with `figure`, an HTML page.
    """
    if args.fresh:
        args.out.unlink(missing_ok=True)
    kept: dict[str, Result] = json.loads(args.out.read_text(encoding="utf-8")) if args.out.exists() else {}
    for case in tqdm(cases, file=sys.stderr, unit="case"):
        key = json.dumps(case, sort_keys=True)
        if key not in kept:
            kept[key] = {"case": case, **measure(case)}
            _write(args.out, json.dumps(kept, indent=1) + "\n")
    results = list(kept.values())
    written = table(results)
    _write(args.out.with_suffix(".md"), written)
    if figure is not None:
        page = figure(results).to_html(include_plotlyjs="cdn")
        _write(args.out.with_suffix(".html"), page)
    print(json.dumps(kept) if args.json else written)


def _write(path: Path, text: str) -> None:
    """Write a file such that a kill in between leaves the one of before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as half:
        half.write_text(text, encoding="utf-8")


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def spread(values: Sequence[float | None], digits: int = 2) -> str:
    """Return mean ± standard deviation of what is known, "–" where nothing is."""
    known = [value for value in values if value is not None]
    if not known:
        return "–"
    return f"{mean(known):.{digits}f}" + (f" ± {stdev(known):.{digits}f}" if len(known) > 1 else "")


def grouped(results: Sequence[Result], key: Callable[[Result], tuple[Any, ...]]) -> dict[Any, list[Result]]:
    """Return the results by key, in the order of the keys."""
    groups: dict[Any, list[Result]] = {}
    for result in results:
        groups.setdefault(key(result), []).append(result)
    return dict(sorted(groups.items()))
