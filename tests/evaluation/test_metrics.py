import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import average_precision_score, roc_auc_score

from stylesearch.errors import InputError
from stylesearch.evaluation import metrics

HITS = arrays(bool, st.tuples(st.integers(1, 6), st.integers(1, 12)))
# Few different values, so that equal scores are the rule.
SCORES = st.lists(st.integers(-3, 3).map(float), min_size=1, max_size=20)


def paper_map(rows, k):
    """The paper's mAP@k in plain loops: precision at every rank, averaged over ranks, averaged over queries."""
    total = 0.0
    for row in rows:
        found, precisions = 0, []
        for rank in range(1, k + 1):
            found += bool(row[rank - 1])
            precisions.append(found / rank)
        total += sum(precisions) / k
    return total / len(rows)


@given(HITS, st.data())
@settings(deadline=None)
def test_recall_and_map_are_as_plain_loops_count_them(hits, data):
    k = data.draw(st.integers(1, hits.shape[1]))
    rows = hits.tolist()
    assert metrics.recall_at(hits, k) == pytest.approx(sum(any(row[:k]) for row in rows) / len(rows))
    assert metrics.map_at(hits, k) == pytest.approx(paper_map(rows, k))
    assert metrics.precision_by_rank(hits)[k - 1] == pytest.approx(
        sum(sum(row[:k]) for row in rows) / (k * len(rows))
    )


def test_map_by_hand():
    hits = np.array([[1, 0, 0], [0, 1, 1], [0, 0, 0]], dtype=bool)
    # (1 + 1/2 + 1/3) / 3, (0 + 1/2 + 2/3) / 3 and 0, averaged over three queries.
    assert metrics.map_at(hits, 3) == pytest.approx((11 / 18 + 7 / 18 + 0) / 3)
    assert metrics.map_at(hits, 1) == metrics.recall_at(hits, 1) == pytest.approx(1 / 3)
    assert metrics.recall_at(hits, 2) == pytest.approx(2 / 3)


def test_map_is_not_average_precision():
    """One hit, at the first rank, and no other in the gallery: average precision is 1, the paper's mAP@10 is H(10) / 10."""
    hits = np.zeros((1, 10), dtype=bool)
    hits[0, 0] = True
    assert metrics.average_precision_at(hits, np.array([1]), 10) == 1.0
    assert metrics.map_at(hits, 10) == pytest.approx(sum(1 / r for r in range(1, 11)) / 10)


@given(SCORES, st.data())
@settings(deadline=None)
def test_average_precision_is_scikit_learns_ties_and_all(scores, data):
    relevant = np.array(data.draw(st.lists(st.booleans(), min_size=len(scores), max_size=len(scores))))
    if not relevant.any():
        relevant[0] = True
    values = np.array(scores)
    expected = average_precision_score(relevant, values)
    assert metrics.average_precision(values, relevant) == pytest.approx(expected)
    left_out = np.concatenate([values, [-np.inf, -np.inf]])
    assert metrics.average_precision(left_out, np.concatenate([relevant, [False, False]])) == pytest.approx(
        expected
    )


@given(HITS)
@settings(deadline=None)
def test_cut_off_at_the_whole_gallery_it_is_average_precision(hits):
    hits[:, 0] |= ~hits.any(axis=1)
    scores = -np.arange(hits.shape[1], dtype=float)
    expected = np.mean([metrics.average_precision(scores, row) for row in hits])
    assert metrics.average_precision_at(hits, hits.sum(axis=1), hits.shape[1]) == pytest.approx(expected)


def test_cut_off_average_precision_by_hand():
    hits = np.array([[0, 1, 1, 0]], dtype=bool)
    assert metrics.average_precision_at(hits, np.array([9]), 3) == pytest.approx((1 / 2 + 2 / 3) / 3)
    assert metrics.average_precision_at(hits, np.array([2]), 4) == pytest.approx((1 / 2 + 2 / 3) / 2)


@given(SCORES, SCORES)
@settings(deadline=None)
def test_auc_is_scikit_learns_and_the_count_of_pairs(wanted, lures):
    expected = np.mean([(one > other) + (one == other) / 2 for one in wanted for other in lures])
    found = metrics.roc_auc(np.array(wanted), np.array(lures))
    assert found == pytest.approx(expected)
    truth = [1] * len(wanted) + [0] * len(lures)
    assert found == pytest.approx(roc_auc_score(truth, wanted + lures))


@pytest.mark.parametrize("k", [0, 4])
def test_a_k_beyond_the_ranks_is_refused(k):
    with pytest.raises(InputError, match="3 ranks") as raised:
        metrics.map_at(np.ones((2, 3), dtype=bool), k)
    assert raised.value.code == "k"


def test_nothing_to_measure_is_refused():
    with pytest.raises(InputError) as raised:
        metrics.recall_at(np.empty((0, 3), dtype=bool), 1)
    assert raised.value.code == "empty"
    with pytest.raises(InputError):
        metrics.roc_auc(np.array([]), np.array([1.0]))
    with pytest.raises(InputError) as raised:
        metrics.average_precision(np.array([1.0]), np.array([False]))
    assert raised.value.code == "no_relevant"
    with pytest.raises(InputError):
        metrics.average_precision_at(np.ones((1, 1), dtype=bool), np.array([0]), 1)
