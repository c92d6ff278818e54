import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stylesearch.errors import InputError
from stylesearch.evaluation.splits import class_split, disjoint_halves, random_split


@given(st.integers(2, 300), st.integers(0, 5))
@settings(deadline=None)
def test_the_random_split_is_eighty_to_twenty_and_repeats(count, seed):
    splits = random_split(count, seed=seed)
    held = splits.count("database")
    assert held + splits.count("query") == count
    assert 0 < held < count
    assert abs(held - 0.8 * count) <= 1
    assert random_split(count, seed=seed) == splits


def test_another_seed_is_another_split():
    assert random_split(100, seed=0) != random_split(100, seed=1)


def test_the_paper_s_sizes():
    splits = random_split(80_096)
    # The paper's own database has 64,090; 80 % is 64,077.
    assert abs(splits.count("database") - 64_090) < 20


CLASSES = [f"class {k % 10}" for k in range(200)]


def test_no_class_is_on_both_sides():
    splits = class_split(CLASSES)
    asked = {name for name, split in zip(CLASSES, splits, strict=True) if split == "query"}
    held = {name for name, split in zip(CLASSES, splits, strict=True) if split == "database"}
    assert (len(asked), len(held)) == (3, 7)
    assert not asked & held
    assert class_split(CLASSES) == splits
    assert class_split(CLASSES, seed=1) != splits


def test_given_classes_are_taken_and_queries_bounded():
    splits = class_split(CLASSES, query_classes=frozenset({"class 1", "class 2"}), most_queries=5)
    asked = [name for name, split in zip(CLASSES, splits, strict=True) if split == "query"]
    assert len(asked) == 5
    assert set(asked) <= {"class 1", "class 2"}
    assert splits.count(None) == 35
    assert splits.count("database") == 160


@pytest.mark.parametrize("given", [frozenset({"none such"}), frozenset(CLASSES), None])
def test_a_side_without_classes_is_refused(given):
    with pytest.raises(InputError) as raised:
        class_split(CLASSES if given is not None else ["one"] * 5, query_classes=given)
    assert raised.value.code == "split"


@given(st.lists(st.sampled_from("abcdefg"), min_size=2), st.integers(0, 3))
@settings(deadline=None)
def test_no_artist_is_in_both_halves_whatever_the_order(names, seed):
    half = disjoint_halves(names, seed=seed)
    first = {name for name, inside in zip(names, half, strict=True) if inside}
    second = set(names) - first
    assert {name for name, inside in zip(names, half, strict=True) if not inside} == second
    assert 0 <= len(first) - len(second) <= 1
    assert disjoint_halves(names[::-1], seed=seed).tolist() == half[::-1].tolist()
    assert half.dtype == np.bool_
