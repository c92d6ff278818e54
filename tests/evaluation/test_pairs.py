import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from stylesearch.errors import InputError
from stylesearch.evaluation.pairs import SHOWN, compare_pairs
from stylesearch.evaluation.ranking import cosines, unit


def kinds_of(labels, others):
    def kinds(start, stop):
        same, alike = labels[start:stop, None] == labels, others[start:stop, None] == others
        return same & ~alike, ~same & alike

    return kinds


@given(st.integers(0, 10_000), st.sampled_from([None, 1, 3, 7]), st.booleans(), st.booleans())
@settings(max_examples=40, deadline=None)
def test_auc_over_pairs_is_scikit_learns(seed, chunk, coarse, csls):
    dice = np.random.default_rng(seed)
    # Coarse rows lie on the axes, so that many scores are equal and exactly so.
    rows = (
        np.eye(3)[dice.integers(0, 3, 16)] * dice.choice([-1.0, 1.0], (16, 1))
        if coarse
        else dice.standard_normal((16, 8))
    )
    rows = unit(rows)
    labels, others = np.arange(16) // 4, dice.permutation(np.arange(16) % 4)
    density = dice.uniform(0, 1, 16) if csls else None
    scores = cosines(rows, rows).astype(float)
    if density is not None:
        scores = (2 * scores - density[:, None] - density).astype(np.float32)
    found, truth = [], []
    for one, other in itertools.combinations(range(16), 2):
        if (labels[one] == labels[other]) != (others[one] == others[other]):
            found.append(scores[one, other])
            truth.append(labels[one] == labels[other])
    result = compare_pairs(rows, kinds_of(labels, others), density=density, chunk=chunk)
    assert (result.wanted, result.lures) == (sum(truth), len(truth) - sum(truth))
    assert result.auc == pytest.approx(roc_auc_score(truth, found), abs=1e-9)


def test_ties_count_half():
    rows = unit(np.ones((8, 2)))
    assert compare_pairs(rows, kinds_of(np.arange(8) % 2, np.arange(8) // 2)).auc == 0.5


def test_histograms_hold_every_pair():
    rows = unit(np.random.default_rng(0).standard_normal((30, 5)))
    result = compare_pairs(rows, kinds_of(np.arange(30) % 3, np.arange(30) // 3))
    assert len(result.wanted_histogram) == len(result.lures_histogram) == SHOWN
    assert sum(result.wanted_histogram) == result.wanted == 3 * 45
    assert sum(result.lures_histogram) == result.lures == 10 * 3
    assert (result.low, result.high) == (-1.0, 1.0)


def test_a_score_of_one_is_counted():
    result = compare_pairs(unit(np.ones((4, 1))), kinds_of(np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])))
    assert result.wanted_histogram[-1] == result.wanted == 2


def test_a_kind_without_pairs_is_refused():
    rows = unit(np.random.default_rng(0).standard_normal((4, 3)))
    with pytest.raises(InputError) as raised:
        compare_pairs(rows, kinds_of(np.zeros(4), np.arange(4)))
    assert raised.value.code == "no_pairs"
