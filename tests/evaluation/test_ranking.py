import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stylesearch.errors import InputError
from stylesearch.evaluation.labels import Relevance
from stylesearch.evaluation.ranking import candidate_counts, cosines, rank, row_chunks, unit


def vectors(seed, count, dim=4):
    """Unit vectors on a coarse grid, so that many are equal."""
    grid = np.random.default_rng(seed).integers(-1, 2, (count, dim)).astype(np.float32)
    grid[~grid.any(axis=1), 0] = 1
    return unit(grid)


def ranked_by_loops(queries, gallery, wanted, k, query_groups, gallery_groups):
    rows = []
    for query, left in enumerate(queries):
        places = [place for place in range(len(gallery)) if gallery_groups[place] != query_groups[query]]
        scores = {place: np.float32(np.float64(left) @ np.float64(gallery[place])) for place in places}
        places.sort(key=lambda place: (-scores[place], place))
        rows.append(([*places[:k]], [bool(wanted[query][place]) for place in places[:k]], len(places)))
    return rows


@given(st.integers(0, 10_000), st.integers(1, 3), st.sampled_from([None, 1, 2, 5]))
@settings(max_examples=40, deadline=None)
def test_ranks_are_those_of_plain_loops_whatever_the_chunk(seed, k, chunk):
    dice = np.random.default_rng(seed)
    queries, gallery = vectors(seed, 7), vectors(seed + 1, 9)
    labels = dice.integers(0, 3, 7), dice.integers(0, 3, 9)
    groups = dice.integers(0, 6, 7), dice.permutation(9)
    relevance = Relevance(*labels)
    found = rank(
        queries, gallery, relevance, k=k, query_groups=groups[0], gallery_groups=groups[1], chunk=chunk
    )
    wanted = relevance.rows(0, 7)
    for row, (nearest, hits, candidates) in enumerate(ranked_by_loops(queries, gallery, wanted, k, *groups)):
        assert found.nearest[row].tolist() == nearest
        assert found.hits[row].tolist() == hits
        assert found.candidates[row] == candidates
        own = groups[1] == groups[0][row]
        assert found.relevant[row] == (wanted[row] & ~own).sum()
        assert np.isnan(found.average_precision[row]) == (found.relevant[row] == 0)


def test_equal_scores_keep_the_gallerys_order():
    gallery = unit(np.ones((500, 3), dtype=np.float32))
    found = rank(gallery[:2], gallery, Relevance([0, 0], [0] * 500), k=4)
    assert found.nearest.tolist() == [[0, 1, 2, 3]] * 2


def test_negative_scores_and_zeros_are_in_order():
    queries = unit(np.array([[1.0, 0.0]]))
    gallery = unit(np.array([[-1.0, 0.0], [0.0, 1.0], [0.0, -1.0], [-1.0, 1e-3], [1.0, 0.0]]))
    found = rank(queries, gallery, Relevance([0], [0] * 5), k=5)
    assert found.nearest.tolist() == [[4, 1, 2, 3, 0]]


@given(st.integers(0, 10_000))
@settings(max_examples=10, deadline=None)
def test_equal_descriptors_have_equal_scores_wherever_they_stand(seed):
    dice = np.random.default_rng(seed)
    row = unit(dice.standard_normal((1, 67)))
    gallery = np.repeat(row, 37, axis=0)
    queries = unit(dice.standard_normal((5, 67)))
    scores = cosines(queries, gallery)
    assert (scores == scores[:, :1]).all()
    assert (cosines(queries[3:4], gallery[5:6]) == scores[3, 5]).all()


def test_chunks_cover_every_row_once():
    assert list(row_chunks(5, 10, 2)) == [(0, 2), (2, 4), (4, 5)]
    assert list(row_chunks(3, 1 << 40)) == [(0, 1), (1, 2), (2, 3)]


def test_candidates_leave_the_own_group_out():
    counts = candidate_counts(np.array([0, 1, 9]), np.array([0, 0, 1, 2]), 3, 4)
    assert counts.tolist() == [2, 3, 4]
    assert candidate_counts(None, None, 2, 4).tolist() == [4, 4]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_descriptors_become_single_precision_of_unit_norm(dtype):
    rows = unit(np.array([[3, 4], [0, 0.5]], dtype=dtype))
    assert rows.dtype == np.float32
    assert rows.tolist() == [[pytest.approx(0.6), pytest.approx(0.8)], [0.0, 1.0]]


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (np.array([[1.0, np.nan], [1.0, 1.0]]), "Descriptor 0 is not finite"),
        (np.array([[1.0, 1.0], [np.inf, 1.0]]), "Descriptor 1 is not finite"),
        (np.array([[1.0, 1.0], [0.0, 0.0]]), "Descriptor 1 is all zero"),
        (np.ones(3), r"\[3\]"),
        (np.ones((0, 3)), r"\[0, 3\]"),
        (np.ones((2, 3), dtype=np.int64), "int64"),
    ],
)
def test_what_cannot_be_compared_is_refused(bad, says):
    with pytest.raises(InputError, match=says) as raised:
        unit(bad)
    assert raised.value.code == "descriptors"
