"""The result of a run, from the predictions on every picture."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from unlearn_core.artifacts.intervals import area_under_curve, wilson_interval
from unlearn_core.artifacts.never_seen import NeverSeen
from unlearn_core.artifacts.predictions import EARLIER, FORGET, RETAIN, TEST, Comparison
from unlearn_core.artifacts.results import (
    COPIES,
    NOTABLE_LOSS,
    Accuracy,
    Agreement,
    Depth,
    EarlierResult,
    EarlierSet,
    FrontierPoint,
    GroupAccuracy,
    NeverSeenNumbers,
    Result,
    Seconds,
)
from unlearn_core.common.counted import counted
from unlearn_core.forgetting.goals import Relabel
from unlearn_core.forgetting.loop import ForgettingLoop
from unlearn_core.store.request import ForgetRequest

TOO_SHALLOW = "Everything is forgotten, but not as deeply as asked"

_PHASES = ("load", "attack", "importance", "optimise", "measure", "total")


def build_result(
    request: ForgetRequest,
    loop: ForgettingLoop,
    comparison: Comparison,
    *,
    ids: Sequence[int],
    others: int,
    device: str,
    seconds: Mapping[str, float],
    earlier: Sequence[EarlierSet],
    frontier: Sequence[FrontierPoint],
    depth: Depth,
    never_seen: NeverSeenNumbers | None,
    notes: Sequence[str],
    copies: tuple[int, int],
) -> Result:
    """Return the result of a run, given its request, without its id.

    Args:
        loop: after it ran.
        comparison: of all measured pictures.
        ids: of the forget set, as picked.
        others: the number of pictures of D_r and D_test, measured or not.
        seconds: spent in each phase, and "total".
        earlier: forget sets of the chain.
        frontier: its points, in the order of the steps.
        depth: of forgetting.
        never_seen: what classifiers that never saw the pictures say; None where there are none.
        notes: sentences about the pictures.
        copies: how many pictures of D_r and of D_test are identical to those to forget.
    """
    assert loop.stopped is not None
    result = Result(
        **request.model_dump(include={"classifier", "images", "method", "goal", "seed", "after"}),
        device=device,
        k=len(ids),
        ids=tuple(ids),
        accuracy=_group_accuracy(comparison),
        agreement=_agreements(comparison),
        seconds=Seconds(**{name: round(seconds.get(name, 0.0), 3) for name in _PHASES}),
        steps=loop.step,
        stopped=loop.stopped,
        earlier=_earlier_results(comparison, earlier),
        retained_used=0 if loop.task.retained is None else len(loop.task.retained.labels),
        frontier=tuple(frontier),
        depth=depth,
        never_seen=never_seen,
    )
    said = _remarks_on_the_end(result, loop, comparison) + _remarks(result, request.strength)
    said += [*_remarks_on_sample(comparison, others), *notes, *_remarks_on_copies(comparison, *copies)]
    said += _remarks_on_request(request, loop, comparison)
    return result.model_copy(update={"remarks": tuple(said)})


def never_seen_numbers(reference: NeverSeen, confidences: NDArray[np.float32]) -> NeverSeenNumbers:
    """Compare with classifiers that never saw the forget set; `confidences` in its labels are those after."""
    return NeverSeenNumbers(
        recognised=round(100 * float(reference.recognised().mean()), 3),
        margin=round(float(np.median(reference.margins())), 3),
        auc=round(area_under_curve(confidences, reference.confidences().ravel()), 4),
    )


def _group_accuracy(comparison: Comparison) -> GroupAccuracy:
    return GroupAccuracy(
        forget=_accuracy(comparison, FORGET),
        retain=_accuracy(comparison, RETAIN),
        test=_accuracy(comparison, TEST),
    )


def _agreements(comparison: Comparison) -> Agreement:
    return Agreement(
        retain=_agreement(comparison, RETAIN),
        test=_agreement(comparison, TEST),
        retain_n=len(comparison.in_group(RETAIN)),
    )


def _accuracy(comparison: Comparison, group: int) -> Accuracy:
    """Return accuracy in percent; unlabelled pictures of the forget set count by the prediction before."""
    chosen = comparison.group == group
    if group != FORGET:
        chosen &= comparison.labelled
    n = int(chosen.sum())
    if not n:
        return Accuracy(before=None, after=None, n=0)
    labels = comparison.labels[chosen]
    return Accuracy(
        before=_percent(comparison.before[chosen] == labels),
        after=_percent(comparison.after[chosen] == labels),
        n=n,
    )


def _agreement(comparison: Comparison, group: int) -> float | None:
    """Return the percentage of a group predicted as before, None where the group is empty."""
    chosen = comparison.group == group
    if not chosen.any():
        return None
    return _percent(comparison.before[chosen] == comparison.after[chosen])


def _earlier_results(comparison: Comparison, earlier: Sequence[EarlierSet]) -> tuple[EarlierResult, ...]:
    """Return for each earlier forget set the percentage still (or again) predicted as its label."""
    positions = {int(comparison.ids[place]): place for place in comparison.in_group(EARLIER)}
    found = []
    for one in earlier:
        chosen = [positions[picture] for picture in one.ids]
        labels = np.array(one.labels)
        found.append(
            EarlierResult(
                run=one.run,
                ids=one.ids,
                labels=one.labels,
                before=_percent(comparison.before[chosen] == labels),
                after=_percent(comparison.after[chosen] == labels),
                n=len(chosen),
            )
        )
    return tuple(found)


def _are(n: int) -> str:
    return "is" if n == 1 else "are"


def _remarks_on_the_end(result: Result, loop: ForgettingLoop, comparison: Comparison) -> list[str]:
    """Return remarks on a goal that was not reached within the steps, or from the start."""
    entry = getattr(loop.method, "entry", None)
    # Weights that were found before come without the number of steps.
    fixed = loop.method.total_steps is not None or (entry is not None and entry.fixed_length)
    missed = result.stopped == "step limit" and not fixed
    steps = counted(result.steps, "step")
    if not isinstance(loop.task.goal, Relabel):
        return [f"Not everything was forgotten within {steps}."] if missed else []
    chosen = comparison.in_group(FORGET)
    wanted = dict(zip(result.ids, loop.task.goal.new_labels.tolist(), strict=False))
    labels = np.array([wanted[one] for one in comparison.ids[chosen].tolist()])
    found = []
    if before := int((comparison.before[chosen] == labels).sum()):
        found.append(f"{_have_new_class(before, result.k)} from the start.")
    if missed:
        after = int((comparison.after[chosen] == labels).sum())
        found.append(f"{_have_new_class(after, result.k)} after {steps}.")
    return found


def _have_new_class(n: int, k: int) -> str:
    return f"{n} of {k} {'has its' if 1 in (n, k) else 'have their'} new class"


def _remarks(result: Result, strength: float) -> list[str]:
    """Return remarks on pictures not forgotten, a notable loss, and earlier forget sets recognised again."""
    found = []
    forget = result.accuracy.forget
    still = round(forget.after * forget.n / 100) if forget.after is not None else 0
    if result.stopped == "forgotten" and still and strength == 1:
        found.append(f"Measured again, {still} of the {forget.n} pictures {_are(still)} still recognised.")
    titles = {"retain": "The kept pictures (D_r)", "test": "Pictures never seen (D_test)"}
    for group, lost in result.losses().items():
        if lost > NOTABLE_LOSS:
            found.append(f"{titles[group]} lost {lost:.1f} points.")
    for one in result.earlier:
        if one.recognised:
            found.append(
                f"{one.recognised} of the {one.n} pictures forgotten by run {one.run} {_are(one.recognised)} "
                "recognised."
            )
    return found


def _remarks_on_request(request: ForgetRequest, loop: ForgettingLoop, comparison: Comparison) -> list[str]:
    """Return remarks on the strength, a forget set of one class, and halved batches."""
    said = []
    if request.strength != 1:
        said.append(f"The weights went {100 * request.strength:.0f}% of the way that the method found.")
    forgotten = comparison.in_group(FORGET)
    labels = np.unique(comparison.labels[forgotten])
    if len(labels) == 1 < len(forgotten):
        said.append(
            f"All forgotten pictures are of one class, {comparison.short_name(labels[0])}: the class as a "
            "whole may suffer with them."
        )
    if loop.too_shallow:
        said.append(f"{TOO_SHALLOW} within {counted(loop.step, 'step')}.")
    if loop.batch_halvings:
        said.append(f"Memory ran out: the batches were halved {counted(loop.batch_halvings, 'time')}.")
    return said


def _remarks_on_copies(comparison: Comparison, retained: int, test: int) -> list[str]:
    """Return a sentence about measured pictures that are identical to those to forget, if any are."""
    chosen = comparison.in_group(FORGET)
    forgotten = (comparison.after[chosen] != comparison.labels[chosen]).all()
    counts = ((retained, "kept pictures (D_r)"), (test, "pictures never seen (D_test)"))
    found = " and ".join(f"{count:,} of the {words}" for count, words in counts if count)
    are = _are(retained + test)
    return [f"{found} {are} {COPIES if forgotten else 'identical to pictures to forget.'}"] if found else []


def _remarks_on_sample(comparison: Comparison, others: int) -> list[str]:
    """Return how far a sample of D_r may be from all of it, where only a sample was measured."""
    n = int(np.isin(comparison.group, (RETAIN, TEST)).sum())
    retained = comparison.in_group(RETAIN)
    if n == others or not len(retained):
        return []
    same = int((comparison.before[retained] == comparison.after[retained]).sum())
    low, high = wilson_interval(same, len(retained))
    return [
        f"Measured on {n:,} of the {others:,} other pictures, drawn at random: of all kept pictures "
        f"{low:.1f} to {high:.1f}% are predicted as before (95% interval)."
    ]


def _percent(hits: NDArray[np.bool_]) -> float:
    return round(100 * float(hits.mean()), 3)
