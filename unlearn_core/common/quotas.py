"""Limits for the visitors of a shared server; its operator sets them by environment variables."""

import os
from dataclasses import dataclass

from unlearn_core.errors import UserError


@dataclass(frozen=True)
class Quota:
    """A whole number above 0 that an environment variable may change."""

    variable: str
    default: int

    @property
    def value(self) -> int:
        """The number that counts now; anything else in the variable raises `UserError`."""
        text = os.environ.get(self.variable) or str(self.default)
        if not (text.isascii() and text.isdigit() and 0 < int(text) < 10**9):
            raise UserError(f"{self.variable} must be a whole number above 0, not {text!r}.")
        return int(text)


UNDER_WAY = Quota("UNLEARN_MAX_UNDER_WAY", 6)
"""Runs of a visitor that are queued or running: by default as many as one click starts."""

RUNS = Quota("UNLEARN_MAX_RUNS", 60)
"""Runs of a visitor that are kept."""

DAYS = Quota("UNLEARN_MAX_DAYS", 30)
"""Days until what a visitor left behind is removed."""

UPLOAD_MB = Quota("UNLEARN_MAX_UPLOAD_MB", 200)
"""Size of one uploaded file."""

VISITOR_MB = Quota("UNLEARN_MAX_VISITOR_MB", 20_000)
"""Size of everything that is kept of a visitor."""

PICTURES = Quota("UNLEARN_MAX_PICTURES", 1000)
"""Pictures to forget in one run."""

STEPS = Quota("UNLEARN_MAX_STEPS", 10_000)
"""Steps of one run."""

EXPLAINED = Quota("UNLEARN_MAX_EXPLAINED", 64)
"""Pictures in one attribution."""

QUOTAS = (UNDER_WAY, RUNS, DAYS, UPLOAD_MB, VISITOR_MB, PICTURES, STEPS, EXPLAINED)


def check_quotas() -> None:
    """Raise `UserError` for the first variable that does not hold a limit."""
    for quota in QUOTAS:
        quota.value  # noqa: B018
