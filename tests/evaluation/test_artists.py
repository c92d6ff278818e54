import numpy as np
import pytest

from stylesearch.errors import InputError
from stylesearch.evaluation.artists import measure_artists, with_enough_works
from stylesearch.evaluation.diagnostics import discrimination_gaps
from stylesearch.evaluation.protocols import leave_one_out
from stylesearch.evaluation.verification import pair_verification, two_folds


def corpus(artists=6, works=5):
    dice = np.random.default_rng(0)
    rows = dice.standard_normal((artists, 8)).repeat(works, axis=0) + dice.standard_normal(
        (artists * works, 8)
    )
    return rows, [f"artist {k // works}" for k in range(artists * works)]


def test_everything_is_measured_on_what_it_is_meant_for():
    rows, names = corpus()
    sets = [frozenset({name}) for name in names]
    # A second picture of the first work, a work by two artists, and the only work of another.
    more = np.concatenate([rows, rows[:1], rows[5:6], -rows[:1]])
    sets += [sets[0], sets[0] | sets[5], frozenset({"lone"})]
    groups = np.array([*range(len(rows)), 0, 100, 101])
    told = []
    found = measure_artists(
        more,
        sets,
        groups=groups,
        ks=(1, 3),
        resamples=10,
        splits=3,
        on_progress=lambda *step: told.append(step),
    )
    assert found.retrieval == leave_one_out(more, sets, ks=(1, 3), groups=groups)
    assert found.retrieval.unanswerable == 1
    assert found.artists == 7
    alone = discrimination_gaps(rows, names, resamples=10)
    assert found.gaps.gaps == alone.gaps
    assert found.gaps.left_out == 1
    assert (found.gaps.readout, found.csls_gaps.readout) == ("cosine", "csls")
    assert found.folds == two_folds(rows, names, ks=(1, 3))
    assert found.verification == pair_verification(rows, names, splits=3)
    assert told == [(k, 12) for k in range(1, 13)]


def test_few_artists_are_not_divided():
    found = measure_artists(*corpus(artists=3), resamples=2)
    assert (found.folds, found.verification, len(found.gaps.gaps)) == (None, None, 3)


def test_artists_with_few_works_are_left_out():
    artists = [frozenset(names.split()) for names in ("a", "a", "a b", "b", "b", "c")]
    groups = np.array([0, 0, 2, 3, 4, 5])
    assert with_enough_works(artists, groups, 2) == [{"a"}, {"a"}, {"a", "b"}, {"b"}, {"b"}, frozenset()]
    with pytest.raises(InputError, match="1 of 3 artists here have 3 works or more") as raised:
        with_enough_works(artists, groups, 3)
    assert raised.value.code == "one_artist"
