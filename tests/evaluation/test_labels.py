import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix, lil_matrix

from stylesearch.errors import InputError
from stylesearch.evaluation.labels import Relevance, label_count, label_sets

SETS = st.lists(st.sets(st.integers(0, 5), max_size=4), min_size=1, max_size=8)


def matrix_of(sets, columns=6):
    return np.array([[column in labels for column in range(columns)] for labels in sets])


@given(SETS, SETS)
@settings(deadline=None)
def test_every_form_gives_the_same_hits(queries, gallery):
    expected = [[bool(one & other) for other in gallery] for one in queries]
    as_names = (
        [{f"label {label}" for label in labels} for labels in queries],
        [[f"label {label}" for label in labels] for labels in gallery],
    )
    forms = [
        (queries, gallery),
        as_names,
        (matrix_of(queries), matrix_of(gallery)),
        (matrix_of(queries).astype(np.int64) * 3, matrix_of(gallery).astype(np.float32)),
        (csr_matrix(matrix_of(queries)), lil_matrix(matrix_of(gallery))),
    ]
    for left, right in forms:
        assert Relevance(left, right).rows(0, len(queries)).tolist() == expected


@given(st.lists(st.integers(0, 3), min_size=1), st.lists(st.integers(0, 3), min_size=1))
@settings(deadline=None)
def test_one_label_each_is_equality(queries, gallery):
    expected = [[one == other for other in gallery] for one in queries]
    assert Relevance(queries, np.array(gallery)).rows(0, len(queries)).tolist() == expected
    assert Relevance([{label} for label in queries], gallery).rows(0, len(queries)).tolist() == expected


def test_rows_are_those_asked_for():
    relevance = Relevance([{"a"}, {"b"}, set(), {"a", "b"}], [{"b"}, {"a"}])
    assert relevance.rows(1, 4).tolist() == [[True, False], [False, False], [True, True]]


def test_an_image_without_a_label_is_no_hit():
    assert not Relevance([None, "a"], [None, None]).rows(0, 2).any()
    assert not Relevance([set()], [set()]).rows(0, 1).any()


def test_sharing_two_labels_is_one_hit():
    """Integer matrices multiplied would give 2 here, which is not equal to True."""
    both = np.array([[1, 1, 0]])
    assert Relevance(both, both).rows(0, 1).tolist() == [[True]]


def test_label_sets():
    assert label_sets(["a", None, "b"]) == [{"a"}, set(), {"b"}]
    assert label_sets(np.array([[True, False], [True, True]])) == [{0}, {0, 1}]
    assert label_count(csr_matrix(np.eye(3))) == label_count(["a", "b", "c"]) == 3


@pytest.mark.parametrize(
    ("left", "right"),
    [("abc", ["a"]), (7, [1]), (np.eye(2), [0, 1]), (np.eye(2), np.eye(3))],
)
def test_other_things_are_refused(left, right):
    with pytest.raises(InputError) as raised:
        Relevance(left, right)
    assert raised.value.code == "labels"
