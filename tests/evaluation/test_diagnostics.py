import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from stylesearch.errors import InputError
from stylesearch.evaluation.csls import local_density
from stylesearch.evaluation.diagnostics import discrimination_gaps
from stylesearch.evaluation.protocols import leave_one_out
from stylesearch.evaluation.ranking import unit
from stylesearch.evaluation.resampling import resample_counts, resampled_medians
from stylesearch.evaluation.splits import disjoint_halves
from stylesearch.evaluation.verification import pair_verification, two_folds


def artists_and_rows(seed, artists=5, works=6, dim=8, spread=1.0):
    dice = np.random.default_rng(seed)
    centres = dice.standard_normal((artists, dim))
    names = np.repeat([f"artist {k}" for k in range(artists)], works)
    rows = centres.repeat(works, axis=0) + spread * dice.standard_normal((artists * works, dim))
    order = dice.permutation(len(rows))
    return unit(rows[order]), names[order].tolist()


def gaps_by_loops(rows, names, score):
    """The definition, written out: medians over pairs, and over mean scores with whole pools."""
    kinds = sorted(set(names))
    works = {kind: [i for i, name in enumerate(names) if name == kind] for kind in kinds}
    found = {}
    for kind in kinds:
        within = np.median([score(i, j) for i, j in itertools.combinations(works[kind], 2)])
        across = {
            other: np.median([score(i, j) for i in works[kind] for j in works[other]])
            for other in kinds
            if other != kind
        }
        own = np.median([np.mean([score(i, j) for j in works[kind] if j != i]) for i in works[kind]])
        others = max(
            np.median([np.mean([score(i, j) for j in works[kind]]) for i in works[other]])
            for other in kinds
            if other != kind
        )
        rival = max(across, key=across.get)
        found[kind] = (within, across[rival], rival, own - others)
    return found


@pytest.mark.parametrize("readout", ["cosine", "csls"])
@pytest.mark.parametrize("seed", range(3))
def test_gaps_are_as_defined(readout, seed):
    rows, names = artists_and_rows(seed)
    table = rows.astype(float) @ rows.T.astype(float)
    density = [np.mean(sorted(np.delete(table[i], i))[-15:]) for i in range(len(rows))]

    def score(i, j):
        return table[i, j] if readout == "cosine" else 2 * table[i, j] - density[i] - density[j]

    report = discrimination_gaps(rows, names, readout=readout, resamples=5)
    expected = gaps_by_loops(rows, names, score)
    assert {gap.artist for gap in report.gaps} == set(expected)
    for gap in report.gaps:
        within, across, rival, pooled = expected[gap.artist]
        assert gap.within == pytest.approx(within, abs=1e-6)
        assert gap.across == pytest.approx(across, abs=1e-6)
        assert gap.gap == pytest.approx(within - across, abs=1e-6)
        assert gap.pooled == pytest.approx(pooled, abs=1e-6)
        assert (gap.rival, gap.works) == (rival, 6)
    assert [gap.gap for gap in report.gaps] == sorted(gap.gap for gap in report.gaps)
    assert report.below_zero == sum(within < across for within, across, _, _ in expected.values())
    assert report.pooled_below_zero == sum(pooled < 0 for *_, pooled in expected.values())


def test_the_interval_is_the_same_under_a_seed_and_holds_the_gap():
    rows, names = artists_and_rows(0)
    one, again = (
        discrimination_gaps(rows, names, resamples=200),
        discrimination_gaps(rows, names, resamples=200),
    )
    assert one == again
    assert one != discrimination_gaps(rows, names, resamples=200, seed=1)
    inside = [gap.low <= gap.gap <= gap.high for gap in one.gaps]
    assert sum(inside) >= 4
    narrow = discrimination_gaps(rows, names, resamples=200, confidence=0.5)
    for wide, gap in zip(one.gaps, narrow.gaps, strict=True):
        assert wide.low <= gap.low <= gap.high <= wide.high


def test_verdicts():
    apart, names = artists_and_rows(1, spread=0.05)
    report = discrimination_gaps(apart, names, resamples=100)
    assert {gap.verdict for gap in report.gaps} == {"positive"}
    assert report.count("positive") == 5
    mixed, _ = artists_and_rows(1, spread=50.0)
    assert "positive" not in {gap.verdict for gap in discrimination_gaps(mixed, names, resamples=100).gaps}


def test_another_s_works_nearer_than_the_own_is_surely_negative():
    """Works in a ring about another's: 60 degrees from those, and up to 120 from each other."""
    turns = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    ring = np.stack(
        [np.sin(np.pi / 3) * np.cos(turns), np.sin(np.pi / 3) * np.sin(turns), np.full(40, 0.5)], axis=1
    )
    dice = np.random.default_rng(5)
    middle = dice.standard_normal((12, 3)) * 0.01 + [0.0, 0.0, 1.0]
    far = dice.standard_normal((12, 3)) * 0.01 + [0.0, 0.0, -1.0]
    report = discrimination_gaps(
        np.concatenate([ring, middle, far]), ["ring"] * 40 + ["middle"] * 12 + ["far"] * 12, resamples=300
    )
    assert report.gaps[0].gap == pytest.approx(0.25 - 0.5, abs=0.05)
    assert (report.gaps[0].artist, report.gaps[0].rival) == ("ring", "middle")
    assert report.gaps[0].verdict == "negative"
    assert report.gaps[0].high < 0
    assert report.count("negative") == 1


def test_artists_with_one_work_are_no_one_s_rivals():
    rows, names = artists_and_rows(2)
    lone = np.concatenate([rows, rows[:1]])
    report = discrimination_gaps(lone, [*names, "lone"], resamples=5)
    assert report.left_out == 1
    assert report == discrimination_gaps_left_out(rows, names)


def discrimination_gaps_left_out(rows, names):
    report = discrimination_gaps(rows, names, resamples=5)
    return type(report)(report.gaps, report.readout, report.resamples, report.confidence, left_out=1)


def test_progress_is_told():
    told = []
    rows, names = artists_and_rows(2)
    discrimination_gaps(rows, names, resamples=1, on_progress=lambda done, total: told.append((done, total)))
    assert told == [(k, 5) for k in range(1, 6)]


@given(st.integers(0, 10_000), st.booleans())
@settings(max_examples=40, deadline=None)
def test_resampled_medians_are_those_of_the_pairs_written_out(seed, own):
    dice = np.random.default_rng(seed)
    scores = dice.integers(0, 5, (4, 4) if own else (3, 4)).astype(float)
    one = resample_counts(len(scores), 6, seed=(seed, 0))
    other = one if own else resample_counts(4, 6, seed=(seed, 1))
    assert one.sum(axis=1).tolist() == [len(scores)] * 6
    found = resampled_medians(scores, one, other, own=own)
    for row in range(6):
        copies = [
            scores[i, j]
            for i, j in np.ndindex(scores.shape)
            if not own or i < j
            for _ in range(one[row, i] * other[row, j])
        ]
        assert found[row] == np.median(copies) if copies else np.isnan(found[row])


def test_a_resample_without_pairs_says_nothing():
    """Two works make one pair, and it is drawn only if both are."""
    counts = np.array([[2, 0], [1, 1], [0, 2]], dtype=np.int32)
    found = resampled_medians(np.full((2, 2), 0.5), counts, counts, own=True)
    assert np.isnan(found).tolist() == [True, False, True]


def test_an_artist_whose_works_are_never_drawn_together_stays_open():
    rows, names = artists_and_rows(3, artists=2, works=2)
    open_ones = [
        gap
        for seed in range(30)
        for gap in discrimination_gaps(rows, names, resamples=1, seed=seed).gaps
        if np.isnan(gap.low)
    ]
    assert open_ones
    assert {gap.verdict for gap in open_ones} == {"open"}


def test_density_is_the_mean_of_the_nearest():
    rows, _ = artists_and_rows(4)
    table = rows.astype(float) @ rows.T.astype(float)
    expected = [np.mean(sorted(np.delete(table[i], i))[-3:]) for i in range(len(rows))]
    assert local_density(rows, rows, own=True, neighbours=3) == pytest.approx(expected, abs=1e-6)
    others = local_density(rows[:4], rows[4:7], own=False)
    assert others == pytest.approx(table[:4, 4:7].mean(axis=1), abs=1e-6)
    with pytest.raises(InputError) as raised:
        local_density(rows[:1], rows[:1], own=True)
    assert raised.value.code == "too_few_images"


def test_verification_measures_artists_that_the_reference_does_not_hold():
    rows, names = artists_and_rows(6, artists=8, works=5)
    found = pair_verification(rows, names, splits=7)
    assert found == pair_verification(rows, names, splits=7)
    assert found.splits == len(found.csls) == 7
    assert len(set(found.cosine)) > 1
    seed = int(np.random.SeedSequence((0, 0)).generate_state(1)[0])
    reference = disjoint_halves(names, seed=seed)
    measured, labels = rows[~reference], np.array(names)[~reference]
    density = local_density(measured, rows[reference], own=False)
    table = measured.astype(float) @ measured.T.astype(float)
    pairs = list(itertools.combinations(range(len(measured)), 2))
    truth = [labels[i] == labels[j] for i, j in pairs]
    assert found.cosine[0] == pytest.approx(roc_auc_score(truth, [table[pair] for pair in pairs]), abs=1e-6)
    csls = [2 * table[i, j] - density[i] - density[j] for i, j in pairs]
    assert found.csls[0] == pytest.approx(roc_auc_score(truth, csls), abs=1e-6)


def test_folds_are_disjoint_halves_measured_by_themselves():
    rows, names = artists_and_rows(7, artists=6)
    one, other = two_folds(rows, names, ks=(1, 3), seed=2)
    half = disjoint_halves(names, seed=2)
    assert one == leave_one_out(rows[half], np.array(names)[half].tolist(), ks=(1, 3))
    assert other == leave_one_out(rows[~half], np.array(names)[~half].tolist(), ks=(1, 3))
    assert one.gallery + other.gallery == len(rows)


@pytest.mark.parametrize(
    ("measure", "code"),
    [
        (lambda rows, names: discrimination_gaps(rows, ["one"] * len(names)), "one_artist"),
        (lambda rows, names: discrimination_gaps(rows, names[:-1]), "labels"),
        (lambda rows, names: discrimination_gaps(rows, names, resamples=0), "parameter"),
        (lambda rows, names: discrimination_gaps(rows, names, confidence=1.0), "parameter"),
        (lambda rows, names: discrimination_gaps(rows, names, readout="euclid"), "parameter"),
        (lambda rows, names: discrimination_gaps(rows * np.nan, names), "descriptors"),
        (lambda rows, names: pair_verification(rows, names, splits=0), "parameter"),
        (lambda rows, names: pair_verification(rows, [name[-1:] in "01" for name in names]), "one_artist"),
    ],
)
def test_bad_input_is_refused(measure, code):
    with pytest.raises(InputError) as raised:
        measure(*artists_and_rows(0))
    assert raised.value.code == code
