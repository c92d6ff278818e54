"""Shapley values against a count of all orders, and the properties that make them the only fair shares."""

from itertools import permutations

import numpy as np
import pytest

from stylesearch.attribution.shapley import coalitions, shapley_values


def over_all_orders(worth: np.ndarray, players: int) -> np.ndarray:
    """The definition: what each adds to those who came before it, averaged over all orders."""
    sums = np.zeros(players)
    orders = list(permutations(range(players)))
    for order in orders:
        there = 0
        for player in order:
            sums[player] += worth[there | 1 << player] - worth[there]
            there |= 1 << player
    return sums / len(orders)


@pytest.mark.parametrize("players", [1, 2, 3, 5])
def test_they_are_the_average_over_all_orders(players):
    worth = np.random.default_rng(players).normal(size=2**players)
    np.testing.assert_allclose(shapley_values(worth), over_all_orders(worth, players), atol=1e-12)


def test_they_add_up_to_all_less_none():
    worth = np.random.default_rng(0).normal(size=32)
    assert shapley_values(worth).sum() == pytest.approx(worth[-1] - worth[0])


def test_of_two_left_gloves_and_a_right_one_the_right_one_is_worth_most():
    left, right = coalitions(3)[:, :2].any(axis=1), coalitions(3)[:, 2]
    np.testing.assert_allclose(shapley_values((left & right).astype(float)), [1 / 6, 1 / 6, 4 / 6])


def test_who_adds_nothing_gets_nothing():
    members = coalitions(4)
    worth = members[:, 0] * 3.0 + members[:, 1] * members[:, 3]
    np.testing.assert_allclose(shapley_values(worth), [3, 0.5, 0, 0.5])


def test_coalitions_begin_with_none_and_end_with_all():
    members = coalitions(5)
    assert members.shape == (32, 5)
    assert not members[0].any()
    assert members[-1].all()
    assert len({tuple(row) for row in members.tolist()}) == 32
    assert members[0b10010].tolist() == [False, True, False, False, True]
