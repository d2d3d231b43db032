"""The request of a run: all that is needed to reproduce it."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from unlearn_core.catalog.entries import classifier_entry
from unlearn_core.catalog.picks import Pick
from unlearn_core.catalog.sources.registry import check_image_set
from unlearn_core.errors import UserError
from unlearn_core.forgetting.registry import method_entry

Goal = Literal["misclassify", "relabel"]
Device = Literal["auto", "cpu", "cuda", "mps"]

RUN_ID = "[0-9a-f]{8}|[0-9a-f]{32}|example"
"""A regular expression of the ids that runs of this program have."""


class ForgetRequest(BaseModel):
    """One forgetting job. The same request on the same machine gives the same result.

    `pick` says which training pictures to forget: `ids:3,14`, `random:N`, `hardest:N`, `memorised:N`
    or `class:NAME:N`.
    `new_labels` maps a picture's id to its new class index (goal relabel); pictures without an entry get the
    classifier's runner-up class. `options` overrides the method's defaults by name.
    `measure_on` names a second image set, measured as part of the retain set. `after` is the run whose
    classifier this one starts from. `retained` is the maximum number of retained pictures that the method
    may train on: 0 for methods that need none. `strength` interpolates between the weights before (0) and
    those that the method found (1); above 1 it extrapolates. `measure` is the number of pictures of D_r and
    D_test, drawn at random, that are measured after the run; 0 measures all.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    classifier: str = "mnist-resnet"
    images: str = "mnist"
    pick: str = "hardest:16"
    goal: Goal = "misclassify"
    new_labels: dict[int, int] = Field(default_factory=dict)
    method: str = "anchor"
    options: dict[str, float | int] = Field(default_factory=dict)
    seed: int = Field(default=0, ge=0, lt=2**31)
    device: Device = "auto"
    max_steps: int = Field(default=300, ge=1, le=100_000)
    measure_on: str | None = None
    after: str | None = Field(default=None, pattern=f"^({RUN_ID})$")
    retained: int = Field(default=0, ge=0)
    strength: float = Field(default=1.0, ge=0, le=1.5)
    measure: int = Field(default=0, ge=0)

    @classmethod
    def parse(cls, **fields: object) -> "ForgetRequest":
        """Build a request; invalid values raise `UserError` with one sentence about the first one."""
        try:
            return cls(**fields)  # type: ignore[arg-type]
        except ValidationError as error:
            first = error.errors()[0]
            if first["loc"] == ("after",):
                raise UserError(f"There is no run {first['input']}.") from error
            where = ".".join(str(part) for part in first["loc"])
            raise UserError(f"{where}: {first['msg']}.") from error

    def check_names(self) -> None:
        """Raise `UserError` for a name that is not in the catalog, and for an invalid pick, option or goal.

        Errors that depend on the pictures (unknown ids, a pick larger than the set) are raised later.
        """
        entry = method_entry(self.method)
        classifier_entry(self.classifier).check_method(self.method)
        entry.complete(self.options)
        entry.check_retained(self.retained)
        entry.check_goal(self.goal)
        Pick.parse(self.pick)
        for images in (self.images, self.measure_on):
            if images is not None:
                check_image_set(images)


DEFAULT = ForgetRequest()
"""The defaults of all interfaces."""
