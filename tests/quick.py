"""Options that make the default method quick: for tests that need a finished run, not a good one."""

QUICK: dict[str, float | int] = {
    "depth": 0,
    "examples": 16,
    "deformed": 64,
    "inversions": 0,
    "settling": 0,
    "anchor_batch": 16,
    "sparing": 0,
}
