"""The whole job in one call: pick, forget, measure."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from unlearn_core.artifacts.results import EarlierSet
from unlearn_core.catalog.classifiers import Classifier
from unlearn_core.catalog.image_sets import ImageSet
from unlearn_core.common.surroundings import usual_surroundings
from unlearn_core.errors import UserError
from unlearn_core.forgetting.methods.base import Method
from unlearn_core.jobs.job import Job
from unlearn_core.jobs.report import Outcome, Report
from unlearn_core.store.request import DEFAULT, Device, ForgetRequest, Goal


@usual_surroundings()
def unlearn(
    classifier: Classifier,
    images: ImageSet,
    *,
    pick: str = DEFAULT.pick,
    goal: Goal = DEFAULT.goal,
    new_labels: Mapping[int, int] = DEFAULT.new_labels,
    method: str | Method = DEFAULT.method,
    options: Mapping[str, float | int] = DEFAULT.options,
    seed: int = DEFAULT.seed,
    device: Device = DEFAULT.device,
    max_steps: int = DEFAULT.max_steps,
    retained: int = DEFAULT.retained,
    strength: float = DEFAULT.strength,
    measure: int = DEFAULT.measure,
    request: ForgetRequest | None = None,
    measure_on: ImageSet | None = None,
    report: Report | None = None,
    earlier: Sequence[EarlierSet] = (),
    reference: Classifier | None = None,
) -> Outcome:
    """Make a copy of the classifier forget the picked pictures and measure what changed.

    The arguments from `pick` to `measure` are fields of `ForgetRequest`; `request` replaces all of them.
    `method` may also be an instance of a `Method` class with its options, which its `entry` checks.

    Args:
        classifier: is not changed.
        images: where the pictures to forget are picked from; its test pictures are only measured on.
        measure_on: a second image set, measured as part of the retain set.
        report: receives phases, steps, snapshots and the outcome, and may cancel.
        earlier: forget sets of earlier runs: cannot be picked, not retained, and measured separately.
        reference: the classifier before the earlier runs; None if there are none.

    Raises:
        UserError: an unknown name, an impossible pick, a value out of range, or a request that names a run to
            start after or pictures to measure on without `reference` or `measure_on`.
        TypeError: fields beside `request`, `options` beside a `Method` instance, or a class instead of one.
        CancelledError: cancelled during the first measurement; later cancellations return an outcome.
    """
    own = None if isinstance(method, str) else _with_all_options(method)
    fields = _Fields(
        pick, goal, new_labels, method, options, seed, device, max_steps, retained, strength, measure
    )
    asked = fields.request({"classifier": classifier.name, "images": images.name}, request)
    _expect_what_it_names(asked, reference, measure_on)
    with _same_options_after(own):
        return Job(
            asked, classifier, images, measure_on, own, report=report, earlier=earlier, reference=reference
        ).run()


def _expect_what_it_names(
    asked: ForgetRequest, reference: Classifier | None, measure_on: ImageSet | None
) -> None:
    if asked.after is not None and reference is None:
        raise UserError(f"The request starts after run {asked.after}: give its classifier, and `reference`.")
    if asked.measure_on is not None and measure_on is None:
        raise UserError(f"The request measures on {asked.measure_on}: give these pictures as `measure_on`.")


@contextmanager
def _same_options_after(own: Method | None) -> Iterator[None]:
    """Let a method begin anew at the next call: it sets some options by the pictures, and memory others."""
    given = {} if own is None else own.options
    try:
        yield
    finally:
        if own is not None:
            own.options = given


def _with_all_options(method: Method) -> Method:
    """Return an instance with its options completed and checked by the entry of its class, if it has one."""
    if not isinstance(method, Method):
        kind = method.__name__ if isinstance(method, type) else "MyMethod"
        raise TypeError(f"`method` is a name or an instance of a Method class, such as {kind}({{...}}).")
    entry = getattr(method, "entry", None)
    if entry is not None:
        method.options = entry.complete(method.options)
    return method


class _Fields(NamedTuple):
    """The arguments of `unlearn` that are fields of a request."""

    pick: str
    goal: Goal
    new_labels: Mapping[int, int]
    method: str | Method
    options: Mapping[str, float | int]
    seed: int
    device: Device
    max_steps: int
    retained: int
    strength: float
    measure: int

    def request(self, names: Mapping[str, str], instead: ForgetRequest | None) -> ForgetRequest:
        """Return the request of the fields, or `instead`, with the names of the loaded classifier and images.

        A `Method` instance is named by its class.
        """
        fields = self._asdict()
        if instead is not None:
            if any(value != getattr(DEFAULT, name) for name, value in fields.items()):
                raise TypeError("Give a request or its fields, not both.")
            return instead.model_copy(update=names)
        if not isinstance(self.method, str):
            if self.options:
                raise TypeError("A Method instance has its own options: leave out `options`.")
            fields["method"] = type(self.method).__name__
        return ForgetRequest.parse(**names, **fields)
