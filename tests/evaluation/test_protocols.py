import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from stylesearch.errors import InputError
from stylesearch.evaluation.protocols import by_split, crossed, leave_one_out, retrieval


def line(*angles):
    """Unit vectors on a half circle: the nearer the angles, the more alike."""
    return np.array([[np.cos(angle), np.sin(angle)] for angle in angles])


def test_retrieval_by_hand():
    queries, gallery = line(0.0, 1.0), line(0.1, 0.2, 0.4, 2.0)
    found = retrieval(queries, gallery, ["a", "b"], ["b", "a", "b", "b"], ks=(1, 2, 4))
    # The first query's ranks hold b a b b, the second's 0.4 b, 0.2 a, 0.1 b, 2.0 b.
    assert found.recall_at == {1: 0.5, 2: 1.0, 4: 1.0}
    assert found.map_at[1] == 0.5
    assert found.map_at[2] == pytest.approx(((0 + 1 / 2) / 2 + (1 + 1 / 2) / 2) / 2)
    assert found.map_at[4] == pytest.approx(
        ((0 + 1 / 2 + 1 / 3 + 1 / 4) / 4 + (1 + 1 / 2 + 2 / 3 + 3 / 4) / 4) / 2
    )
    assert found.average_precision == pytest.approx((1 / 2 + (1 + 2 / 3 + 3 / 4) / 3) / 2)
    assert found.average_precision_at[4] == pytest.approx(found.average_precision)
    assert found.chance == pytest.approx((1 / 4 + 3 / 4) / 2)
    assert (found.queries, found.gallery, found.unanswerable, found.clipped) == (2, 4, 0, {})
    assert found.precision_by_rank[1] == pytest.approx(0.5)


@given(st.integers(0, 10_000), st.sampled_from([1, 3, None]))
@settings(max_examples=25, deadline=None)
def test_leave_one_out_with_several_labels_is_as_plain_loops_count_it(seed, chunk):
    dice = np.random.default_rng(seed)
    rows = dice.standard_normal((14, 6))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    labels = [set(dice.integers(0, 5, dice.integers(1, 4)).tolist()) for _ in range(14)]
    scores = rows @ rows.T
    recall, precision, standard, left_out = [], [], [], 0
    for query in range(14):
        others = sorted((i for i in range(14) if i != query), key=lambda i: -scores[query, i])
        hits = [bool(labels[query] & labels[i]) for i in others]
        if not any(hits):
            left_out += 1
            continue
        recall.append(any(hits[:5]))
        precision.append(np.mean([np.mean(hits[:r]) for r in range(1, 6)]))
        standard.append(average_precision_score(hits, [scores[query, i] for i in others]))
    found = leave_one_out(rows, labels, ks=(5,), chunk=chunk)
    assert found.recall_at[5] == pytest.approx(np.mean(recall))
    assert found.map_at[5] == pytest.approx(np.mean(precision))
    assert found.average_precision == pytest.approx(np.mean(standard))
    assert (found.queries, found.unanswerable) == (14 - left_out, left_out)


def test_a_matrix_of_labels_gives_what_sets_give():
    dice = np.random.default_rng(1)
    rows, matrix = dice.standard_normal((20, 4)), dice.random((20, 6)) < 0.3
    sets = [set(np.flatnonzero(row).tolist()) for row in matrix]
    assert leave_one_out(rows, matrix) == leave_one_out(rows, sets)


def test_pictures_of_one_thing_are_no_results_for_each_other():
    rows = line(0.0, 0.0, 0.5, 0.6)
    labels = ["a", "a", "b", "a"]
    apart = leave_one_out(rows, labels, ks=(1,))
    assert apart.recall_at[1] == pytest.approx(2 / 3)  # the two copies find each other
    together = leave_one_out(rows, labels, ks=(1,), groups=np.array([7, 7, 2, 3]))
    assert together.recall_at[1] == 0.0


def test_a_query_without_any_hit_is_left_out_and_counted():
    found = leave_one_out(line(0.0, 0.1, 0.2), ["a", "a", "b"], ks=(1,))
    assert (found.queries, found.unanswerable, found.recall_at[1]) == (2, 1, 1.0)


def test_a_k_beyond_the_gallery_is_lowered_and_said():
    found = leave_one_out(line(0.0, 0.1, 0.2, 0.3), ["a", "a", "b", "b"])
    assert found.ks == (1, 3)
    assert found.clipped == {10: 3, 100: 3}
    assert len(found.precision_by_rank) == 3


def test_the_split_decides_who_searches():
    rows = line(0.0, 0.1, 0.2, 1.0, 1.1)
    labels = ["a", "a", "b", "b", "c"]
    splits = ["query", "database", "database", "query", "query"]
    found = by_split(rows, labels, splits, ks=(1, 2))
    assert (found.queries, found.gallery, found.unanswerable) == (2, 2, 1)  # c is not in the database
    assert found.recall_at[1] == 1.0
    matrix = np.array([[label == name for name in "abc"] for label in labels])
    assert by_split(rows, matrix, splits, ks=(1, 2)) == found


STYLES = ["ink", "ink", "oil", "oil"]
CONTENTS = ["cat", "dog", "cat", "dog"]


def test_crossed_by_hand():
    # ink cat 0.0, ink dog 1.0, oil cat 0.2, oil dog 1.1: both cats and both dogs lie together.
    found = crossed(line(0.0, 1.0, 0.2, 1.1), STYLES, CONTENTS, ks=(1, 2))
    assert found.retrieval.recall_at[1] == 0.0
    assert found.lured == 1.0
    assert found.pairs.auc == 0.0  # pairs of one style: 1.0 and 0.9 apart; pairs of one content: 0.2 and 0.1
    assert (found.pairs.wanted, found.pairs.lures, found.styles, found.contents) == (2, 2, 2, 2)
    swapped = crossed(line(0.0, 0.2, 1.0, 1.1), STYLES, CONTENTS, ks=(1,))
    assert (swapped.retrieval.recall_at[1], swapped.lured, swapped.pairs.auc) == (1.0, 0.0, 1.0)


def test_a_wrong_answer_of_another_content_is_no_lure():
    found = crossed(line(0.0, 1.0, 1.1, 0.2), STYLES, CONTENTS, ks=(1,))
    assert found.retrieval.recall_at[1] == 0.0
    assert found.lured == 0.0


def test_pairs_that_share_both_are_left_out_of_the_auc_and_are_hits():
    found = crossed(
        line(0.0, 0.01, 0.5, 0.9, 1.5),
        ["ink", "ink", "ink", "oil", "oil"],
        ["cat", "cat", "dog", "cat", "dog"],
        ks=(1,),
    )
    # Three pairs of one style and another content; three of one content (cat, cat and dog) and another style.
    assert (found.pairs.wanted, found.pairs.lures) == (3, 3)
    assert found.retrieval.recall_at[1] == pytest.approx(3 / 5)


@pytest.mark.parametrize("chunk", [1, 7])
def test_chunking_changes_nothing(chunk):
    dice = np.random.default_rng(3)
    rows = dice.standard_normal((60, 12))
    styles, contents = [f"s{i % 5}" for i in range(60)], [f"c{i // 5}" for i in range(60)]
    assert crossed(rows, styles, contents, chunk=chunk) == crossed(rows, styles, contents)


def rows_of(count):
    return np.random.default_rng(0).standard_normal((count, 3))


@pytest.mark.parametrize(
    ("measure", "code"),
    [
        (lambda: leave_one_out(rows_of(3), ["a", "a"]), "labels"),
        (lambda: leave_one_out(rows_of(3), ["a", "a", "b"], groups=np.arange(2)), "labels"),
        (lambda: leave_one_out(rows_of(3), ["a", "b", "c"]), "no_relevant"),
        (lambda: leave_one_out(rows_of(1), ["a"]), "too_few_images"),
        (lambda: leave_one_out(rows_of(3), ["a", "a", "b"], groups=np.zeros(3, dtype=int)), "too_few_images"),
        (lambda: leave_one_out(rows_of(3), ["a"] * 3, ks=(0,)), "k"),
        (lambda: leave_one_out(rows_of(3), ["a"] * 3, ks=()), "k"),
        (lambda: leave_one_out(np.full((3, 2), np.nan), ["a"] * 3), "descriptors"),
        (lambda: retrieval(rows_of(2), np.ones((2, 4)), ["a", "a"], ["a", "a"]), "descriptors"),
        (lambda: by_split(rows_of(3), ["a"] * 3, ["query"] * 3), "split"),
        (lambda: by_split(rows_of(3), ["a"] * 3, ["query", "database", "train"]), "split"),
        (lambda: by_split(rows_of(3), ["a"] * 3, ["query", "database"]), "split"),
        (lambda: crossed(rows_of(3), ["a"] * 3, ["x", "y", "z"]), "one_style"),
        (lambda: crossed(rows_of(3), ["a", "b", "b"], ["x", "y", "z"]), "not_crossed"),
        (lambda: crossed(rows_of(3), ["a", "b", "c"], ["x", "x", "x"]), "not_crossed"),
        (lambda: crossed(rows_of(3), ["a", "b"], ["x", "x", "x"]), "labels"),
    ],
)
def test_bad_input_is_refused(measure, code):
    with pytest.raises(InputError) as raised:
        measure()
    assert raised.value.code == code
    assert raised.value.hint
