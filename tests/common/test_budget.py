"""The same few pictures every time."""

import numpy as np

from unlearn_core.common.budget import SMALL, Budget, sample


def test_a_budget_depends_on_the_size_of_the_pictures() -> None:
    budget = Budget(small=400, large=24)
    assert (budget.of(28), budget.of(SMALL), budget.of(SMALL + 1)) == (400, 400, 24)


def test_a_sample_is_the_beginning_of_a_seeded_permutation() -> None:
    """The results of earlier versions rest on this choice, and on this order."""
    positions = np.arange(100, 150)
    assert sample(positions, 5).tolist() == [118, 123, 136, 104, 102]
    np.testing.assert_array_equal(
        sample(positions, 5, seed=3), np.random.default_rng(3).permutation(positions)[:5]
    )
    assert sorted(sample(positions, 1000).tolist()) == positions.tolist()


def test_a_second_sample_of_a_generator_goes_on_where_the_first_ended() -> None:
    positions = np.arange(20)
    random, same = np.random.default_rng(0), np.random.default_rng(0)
    first, second = sample(positions, 3, random), sample(positions, 3, random)
    assert first.tolist() == same.permutation(positions)[:3].tolist()
    assert second.tolist() == same.permutation(positions)[:3].tolist()
