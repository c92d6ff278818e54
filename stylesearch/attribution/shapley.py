"""Shapley values: how much each of a few players adds to what all of them reach together."""

from __future__ import annotations

from math import factorial

import numpy as np
from numpy.typing import NDArray


def coalitions(players: int) -> NDArray[np.bool_]:
    """Return every coalition, ``[2 ** players, players]``: the empty one first, all together last."""
    numbers = np.arange(2**players)[:, None]
    return (numbers >> np.arange(players) & 1).astype(bool)


def shapley_values(worth: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what each player adds, averaged over all the orders in which they could have come.

    They are the only shares that add up to the worth of all less the worth of none, are equal for players that add the
    same everywhere, are zero for one that adds nothing, and add up over games (Shapley 1953, *A Value for n-Person
    Games*). They are exact, so only a few players can be had.

    Parameters
    ----------
    worth:
        ``[2 ** players]``, of each coalition in the order of :func:`coalitions`.
    """
    players = len(worth).bit_length() - 1
    members = coalitions(players)
    others = members.sum(axis=1)
    values = np.empty(players)
    for player in range(players):
        without = np.flatnonzero(~members[:, player])
        weights = np.array([factorial(n) * factorial(players - n - 1) for n in others[without].tolist()])
        gains = worth[without | 1 << player] - worth[without]
        values[player] = weights @ gains / factorial(players)
    return values
