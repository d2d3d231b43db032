"""The outcome of a run as sentences: what is forgotten, what it cost, and how deep it goes."""

from unlearn_core.artifacts.results import NOTABLE_LOSS, Result

ONLY_JUST, DEEP = 50.0, 15.0
"""Percent of recognised copies: above it pictures are only just forgotten, up to it deeply."""


NOTHING_CHANGED = "Cancelled before the first step: nothing was changed."
NO_RESULT = "Cancelled while it waited to go on: there is no result."
NOT_MEASURED = "Cancelled before it was measured: there is no result."


def outcome_sentences(result: Result, strength: float = 1.0) -> tuple[str, ...]:
    """Return what became of the pictures to forget, of all others, and of changed copies.

    With another `strength` than 1 the weights are not those at which the run reached its goal.
    """
    if result.stopped == "cancelled" and not result.steps:
        return (NOTHING_CHANGED,)
    found = (_forgotten(result, strength), _others(result), _depth(result))
    return tuple(words for words in found if words)


def is_deep(result: Result) -> bool:
    """Return whether all is forgotten, few changed copies are recognised, and none moved by a pixel."""
    if result.depth is None or result.accuracy.forget.after != 0:
        return False
    copies = result.depth.changed_copies
    return copies.after <= DEEP and not copies.shifted


def is_costly(result: Result) -> bool:
    """Return whether the run lost much of what was to be kept, or of pictures never seen."""
    return max(result.losses().values()) > NOTABLE_LOSS


def _forgotten(result: Result, strength: float) -> str:
    known = result.accuracy.forget
    if known.before is None or known.after is None:
        return ""
    k, before, after = result.k, *(round(share * known.n / 100) for share in (known.before, known.after))
    if result.goal == "relabel" and result.stopped == "forgotten" and not after and strength == 1:
        return f"{_all(k, 'It is', 'are')} now taken for {'its' if k == 1 else 'their'} new class."
    if not before:
        return f"The classifier never recognised {'this picture' if k == 1 else f'any of these {k}'}."
    never, were = k - before, ""
    if never:
        were = f" {never} of {k} {'was' if never == 1 else 'were'} not recognised before either."
    if not after:
        return f"{_all(k, 'It is', 'are')} no longer recognised.{were}"
    if k == 1:
        return "It is still recognised."
    return f"{k - after} of {k} are no longer recognised.{were}"


def _all(k: int, one: str, several: str) -> str:
    """Return how a sentence on all k pictures begins."""
    return one if k == 1 else f"{'Both' if k == 2 else f'All {k}'} {several}"


def _others(result: Result) -> str:
    agreement = result.agreement.retain
    n = result.agreement.retain_n or result.accuracy.retain.n
    if agreement is None:
        return ""
    if not n:
        return (
            f"{100 - agreement:.2g}% of the others are predicted differently."
            if agreement < 100
            else "All others are predicted as before."
        )
    changed = round((100 - agreement) * n / 100)
    share = f" ({100 - agreement:.0f}%)" if 100 - agreement > NOTABLE_LOSS and n >= 100 else ""
    if not changed:
        return f"All {n:,} others are predicted as before."
    return f"{changed:,} of {n:,} others {'is' if changed == 1 else 'are'} predicted differently{share}."


def _depth(result: Result) -> str:
    if result.depth is None or result.accuracy.forget.after != 0 or not result.accuracy.forget.before:
        return ""
    copies = result.depth.changed_copies
    deep = "" if is_costly(result) else "*Deep*: "
    how = "*Only just*: " if copies.after > ONLY_JUST else "But " if copies.after > DEEP else deep
    known = f"{how}{copies.after:.0f}% of slightly changed copies are still recognised"
    if copies.shifted is None:
        return f"{known}."
    if copies.n == 1:
        said = "recognised" if copies.shifted else "not recognised"
        return f"{known}. Shifted by one pixel, the picture is {said}."
    of = f"{copies.n}" if copies.n == result.k else f"the first {copies.n}"
    return f"{known}; of those shifted by one pixel, {copies.shifted or 'none'} of {of}."
