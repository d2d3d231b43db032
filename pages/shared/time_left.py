"""How far a run is and about how long it still takes, from its steps."""

from collections.abc import Sequence

from unlearn_core.artifacts.steps import StepRecord


def seconds_left(steps: Sequence[StepRecord]) -> float | None:
    """Return an estimate of the time until all is forgotten, from how fast it went so far.

    None where too few are forgotten to tell, or fewer than before: the way to the goal goes up and down.
    """
    first, last = steps[0], steps[-1]
    done, left = last.forgotten - first.forgotten, last.k - last.forgotten
    if done < max(2, last.k / 8) or not left or last.forgotten < max(step.forgotten for step in steps):
        return None
    return (last.seconds - first.seconds) * left / done


def repair_progress(steps: Sequence[StepRecord]) -> tuple[float, str]:
    """Return how much of the repair phase is done, and what it does and for how long."""
    last = steps[-1]
    first = next(step for step in steps if step.repairing)
    words = "repair: restoring the rest"
    if last.repair_until is None or last.repair_until <= first.step:
        return 1.0, words
    done = (last.step - first.step) / (last.repair_until - first.step)
    if not done:
        return 0.0, words
    return done, f"{words}, about {(last.seconds - first.seconds) * (1 - done) / done:.0f} s"
