"""The outcome of a run as sentences: what is forgotten, what it cost, and how deep it goes."""

from unlearn_core.artifacts.results import Result

ONLY_JUST, DEEP = 50.0, 15.0
"""Percent of recognised copies: above it pictures lie only just across the border, up to it deep beyond."""


def outcome_sentences(result: Result) -> tuple[str, ...]:
    """Return what became of the pictures to forget, of all others, and of changed copies."""
    return tuple(words for words in (_forgotten(result), _others(result), _depth(result)) if words)


def is_deep(result: Result) -> bool:
    """Return whether few changed copies are recognised, and none that is moved by a pixel."""
    if result.depth is None:
        return False
    copies = result.depth.changed_copies
    return copies.after <= DEEP and not copies.shifted


def _forgotten(result: Result) -> str:
    known = result.accuracy.forget
    if known.before is None or known.after is None:
        return ""
    k, before, after = result.k, *(round(share * known.n / 100) for share in (known.before, known.after))
    if not before:
        return f"The classifier never recognised {'this picture' if k == 1 else f'any of these {k}'}."
    if result.goal == "relabel" and result.stopped == "forgotten":
        return (
            "It is now taken for its new class." if k == 1 else f"All {k} are now taken for their new class."
        )
    never = "" if before == k else f" {k - before} of {k} were not recognised before either."
    if not after:
        return ("It is no longer recognised." if k == 1 else f"All {k} are no longer recognised.") + never
    if k == 1:
        return "It is still recognised."
    return f"{k - after} of {k} are no longer recognised.{never}"


def _others(result: Result) -> str:
    agreement = result.agreement.retain
    n = result.agreement.retain_n or result.accuracy.retain.n
    if agreement is None:
        return ""
    if not n:
        return (
            f"Of the others {100 - agreement:.2g} % changed." if agreement < 100 else "No other one changed."
        )
    changed = round((100 - agreement) * n / 100)
    return f"Of {n:,} others {changed:,} changed." if changed else f"Of {n:,} others none changed."


def _depth(result: Result) -> str:
    if result.depth is None or result.accuracy.forget.after != 0:
        return ""
    copies = result.depth.changed_copies
    if copies.after > ONLY_JUST:
        how = "*Only just* across the border"
    else:
        how = "*Not deep*" if copies.after > DEEP else "*Deep*"
    known = f"{copies.after:.0f} % of slightly changed copies are recognised"
    if copies.shifted is None:
        return f"{how}: {known}."
    if copies.n == 1:
        back = "it comes back" if copies.shifted else "it stays forgotten"
    else:
        back = f"{copies.shifted} of {copies.n} come back" if copies.shifted else "all stay forgotten"
    return f"{how}: {known}; moved by a pixel, {back}."
