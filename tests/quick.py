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

SMALL: dict[str, float | int] = {
    "examples": 4,
    "attack_iterations": 2,
    "adversarial_batch": 4,
    "anchor_batch": 4,
    "inversions": 4,
    "inversion_iterations": 2,
    "noisy_copies": 2,
    "retained_batch": 4,
}
"""The least of everything that methods make, for two steps of any of them on a network of any size."""
