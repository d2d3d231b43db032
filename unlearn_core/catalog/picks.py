"""Ways to pick a forget set: `ids:3,14`, `random:N`, `hardest:N`, `memorised:N`, `class:NAME:N`."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from unlearn_core.catalog.class_names import class_called
from unlearn_core.common.budget import sample
from unlearn_core.errors import UserError

HELP = "ids:3,14 · random:N · hardest:N · memorised:N · class:NAME:N"


@dataclass(frozen=True)
class Pick:
    """A parsed pick. `ids` is set for kind ids, `class_name` for kind class, `count` for all kinds."""

    kind: Literal["ids", "random", "hardest", "memorised", "class"]
    count: int = 0
    ids: tuple[int, ...] = ()
    class_name: str = ""

    @classmethod
    def parse(cls, text: str) -> "Pick":
        """Parse a pick; an invalid one raises `UserError`."""
        kind, _, rest = text.partition(":")
        if kind == "ids":
            ids = tuple(dict.fromkeys(_whole_number(part, text) for part in rest.split(",") if part.strip()))
            if not ids:
                raise UserError("The pick is empty: name at least one picture, as in ids:3,14.")
            return cls("ids", len(ids), ids)
        if kind in ("random", "hardest", "memorised"):
            return cls(kind, _count(rest, text))  # type: ignore[arg-type]
        if kind == "class":
            name, _, count = rest.rpartition(":")
            if name:
                return cls("class", _count(count, text), class_name=name)
        raise UserError(f"{text!r} is not a pick; available: {HELP}.")

    def resolve(
        self,
        ids: NDArray[np.int64],
        labels: NDArray[np.int64],
        losses: NDArray[np.float32],
        class_names: tuple[str, ...],
        seed: int,
        *,
        memorisation: NDArray[np.float32] | None = None,
        recognised: NDArray[np.bool_] | None = None,
    ) -> list[int]:
        """Return the picked ids among the candidates, shape (n,) each, with their labels and losses.

        `random` and `class` draw without replacement from `seed`; random picks of one seed are nested
        (random:4 is part of random:16). Where `recognised` is given, they take the others only if there are
        too few: what is not recognised cannot be forgotten. `hardest` takes the highest cross-entropy,
        `memorised` the highest `memorisation`, among those that have one (others are NaN). An unknown id, an
        unknown class, a pick larger than its candidates or `memorised` without `memorisation` raises
        `UserError`.
        """
        if self.kind == "ids":
            known = set(ids.tolist())
            for one in self.ids:
                if one not in known:
                    raise UserError(f"There is no picture {one} among the {len(ids)} that can be forgotten.")
            return list(self.ids)
        if self.kind == "class":
            inside = labels == class_called(self.class_name, class_names)
            ids, recognised = ids[inside], None if recognised is None else recognised[inside]
        scores = losses if self.kind == "hardest" else None
        if self.kind == "memorised":
            if memorisation is None:
                raise UserError(
                    "What is memorised is unknown here: for this classifier and image set there are no "
                    "classifiers that never saw a part of the pictures (the command `reference` trains them)."
                )
            scored = ~np.isnan(memorisation)
            ids, scores = ids[scored], memorisation[scored]
        if self.count > len(ids):
            raise UserError(f"The pick asks for {self.count} pictures, but there are only {len(ids)}.")
        if scores is not None:
            return ids[np.argsort(-scores, kind="stable")[: self.count]].tolist()
        order = sample(np.arange(len(ids)), len(ids), seed)
        if recognised is not None:
            order = order[np.argsort(~recognised[order], kind="stable")]
        return ids[order[: self.count]].tolist()


def _whole_number(part: str, text: str) -> int:
    try:
        return int(part)
    except ValueError as error:
        raise UserError(f"{part!r} in {text!r} is not a picture id.") from error


def _count(part: str, text: str) -> int:
    if not part.isdecimal() or int(part) < 1:
        raise UserError(f"{text!r} must end with a whole number of at least 1.")
    return int(part)
