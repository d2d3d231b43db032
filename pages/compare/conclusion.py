"""Which of several runs keeps most, and which forgets deepest, in words."""

from collections.abc import Mapping, Sequence

from pages.compare.compare_figures import titles
from pages.shared.words import percent
from unlearn_core.artifacts.results import NOTABLE_LOSS
from unlearn_core.common.counted import counted
from unlearn_core.store.compare_runs import RunNumbers

_MANY = 4000
"""Pictures: percentages have as many decimals as for these."""
_CHANCE = 5
"""Pictures: as good classifiers differ by so many in one of 16 cases at least (McNemar's exact test)."""


def conclusion(lines: Sequence[RunNumbers]) -> str:
    """Say which of the runs that forgot everything keeps most."""
    if len({(line.classifier, line.images) for line in lines}) > 1:
        return "These runs are of different classifiers or pictures, so their numbers cannot be ranked."
    names = dict(zip((line.run for line in lines), titles(lines), strict=True))
    labelled = all(line.accuracy.retain is not None for line in lines)
    of_kept = {line.run: line.accuracy.retain if labelled else line.agreement.retain for line in lines}
    kept = {
        line.run: value
        for line in lines
        if line.accuracy.forget == 0 and (value := of_kept[line.run]) is not None
    }
    short = [names[line.run] for line in lines if line.accuracy.forget]
    what = (
        "of the kept pictures are recognised" if labelled else "of the kept pictures are predicted as before"
    )
    words = [_kept_words(kept, names, what, _size(lines), len(lines))] if len(kept) > 1 else []
    words += _deepest([line for line in lines if line.run in kept], names)
    if len({line.ids for line in lines}) > 1:
        words.append(
            "These runs did not forget the same pictures, so their numbers differ for that reason too."
        )
    if short:
        words.append(f"Not all is forgotten after {', '.join(short)}.")
    return " ".join(words)


def _kept_words(
    kept: Mapping[str, float], names: Mapping[str, str], what: str, pictures: int, runs: int
) -> str:
    """Say which of the runs that forgot all keep most; what may be chance is no victory."""
    best, worst = max(kept, key=kept.__getitem__), min(kept, key=kept.__getitem__)
    # As they are written: what looks the same is.
    shown = {run: percent(value, _MANY) for run, value in kept.items()}
    first = [
        run
        for run in kept
        if shown[run] == shown[best] or round((kept[best] - kept[run]) * pictures / 100) <= _CHANCE
    ]
    if len(first) < len(kept):
        who = " and ".join(f"**{names[run]}**" for run in first)
        verb = "forget all and keep" if len(first) > 1 else "forgets all and keeps"
        return f"{who} {verb} most: {shown[best]}% {what}, {shown[worst]}% after {names[worst]}."
    who = "They" if len(kept) == runs else ", ".join(names[run] for run in kept)
    if shown[best] == shown[worst]:
        return f"{who} forget all and keep the same: {shown[best]}% {what}."
    apart = counted(round((kept[best] - kept[worst]) * pictures / 100))
    return (
        f"{who} forget all and keep nearly the same: {shown[worst]} to {shown[best]}% {what}. "
        f"{apart} may be chance."
    )


def _size(lines: Sequence[RunNumbers]) -> int:
    """Return how many kept pictures there are; results of earlier versions do not tell."""
    return min((line.agreement.retain_n or _MANY for line in lines), default=_MANY)


def _deepest(lines: Sequence[RunNumbers], names: Mapping[str, str]) -> list[str]:
    """Say after which run fewest changed copies are recognised, of those that changed little else.

    A classifier that recognises little at all recognises few copies too.
    """
    whole = [line for line in lines if (line.agreement.retain or 0) >= 100 - NOTABLE_LOSS]
    copies = {line.run: line.changed_copies for line in whole if line.changed_copies is not None}
    if len(copies) < 2:
        return []
    fewest, most = min(copies, key=copies.__getitem__), max(copies, key=copies.__getitem__)
    few, many = percent(copies[fewest]), percent(copies[most])
    if few == many:
        return []
    return [
        f"Of slightly changed copies of the forgotten pictures, fewest are recognised after {names[fewest]}: "
        f"{few}%; after {names[most]} {many}%."
    ]
