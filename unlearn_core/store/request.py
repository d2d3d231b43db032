"""What a person asks for: one forgetting job, complete enough to be run again anywhere."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from unlearn_core.catalog.entries import classifier_entry
from unlearn_core.catalog.picks import Pick
from unlearn_core.catalog.sources.registry import check_image_set
from unlearn_core.errors import UserError
from unlearn_core.forgetting.registry import method_entry

Goal = Literal["misclassify", "relabel"]
Device = Literal["auto", "cpu", "cuda", "mps"]


class ForgetRequest(BaseModel):
    """One forgetting job. The same request on the same machine gives the same result.

    `pick` says which training pictures to forget: `ids:3,14`, `random:N`, `hardest:N` or `class:NAME:N`.
    `new_labels` maps a picture's id to the class index it shall get (goal relabel); pictures without an
    entry get the classifier's runner-up class. `options` overrides the method's defaults by name.
    `measure_on` names a second image set whose pictures are measured as retained ones too. `after` is the
    run whose classifier this one starts from. `retained` is how many retained pictures, at most, the method
    may learn from: 0 for methods that need none. `strength` is how far to go along the line from the weights
    before to the weights that the method found: 1 is all the way, above 1 past it.
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
    after: str | None = Field(default=None, pattern="^([0-9a-f]{8}|[0-9a-f]{32})$")
    retained: int = Field(default=0, ge=0)
    strength: float = Field(default=1.0, ge=0, le=1.5)

    @classmethod
    def parse(cls, **fields: object) -> "ForgetRequest":
        """Build a request; a value out of range raises `UserError` with one sentence about the first one."""
        try:
            return cls(**fields)  # type: ignore[arg-type]
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise UserError(f"{where}: {first['msg']}.") from error

    def check_names(self) -> None:
        """Raise `UserError` where the request names what the catalog does not hold, or its pick is none.

        What only the pictures themselves can tell (unknown ids, a pick larger than the set) shows later.
        """
        classifier_entry(self.classifier)
        entry = method_entry(self.method)
        entry.complete(self.options)
        entry.check_retained(self.retained)
        Pick.parse(self.pick)
        for images in (self.images, self.measure_on):
            if images is not None:
                check_image_set(images)


DEFAULT = ForgetRequest()
"""What is asked for where nothing else is said; here alone stand the defaults."""
