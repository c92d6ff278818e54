import numpy as np
import pytest

from stylesearch.attribution.likelihood import cllr
from stylesearch.attribution.pooling import rising_shares
from stylesearch.attribution.telling_apart import least_lead
from stylesearch.attribution.verbal import NEITHER, in_words


def test_shares_rise_as_scikit_learn_has_them():
    from sklearn.isotonic import IsotonicRegression

    dice = np.random.default_rng(0)
    total = dice.random(200) + 0.1
    hits = total * np.clip(np.linspace(0, 1, 200) + dice.normal(0, 0.3, 200), 0, 1)
    expected = IsotonicRegression().fit_transform(np.arange(200), hits / total, sample_weight=total)
    np.testing.assert_allclose(rising_shares(hits, total), expected, atol=1e-9)


def test_a_place_without_weight_goes_with_the_one_before():
    shares = rising_shares(np.array([0.0, 1.0, 0.0, 2.0]), np.array([0.0, 2.0, 0.0, 2.0]))
    assert np.isnan(shares[0])
    assert shares[1:].tolist() == [0.5, 0.5, 1.0]


def test_cllr_is_zero_for_certainty_one_for_silence_more_for_lies():
    even = np.ones(4)
    sure = np.full(4, 9.0)
    assert cllr(sure, even, -sure, even) == pytest.approx(0, abs=1e-6)
    assert cllr(np.zeros(4), even, np.zeros(4), even) == pytest.approx(1)
    assert cllr(-sure, even, sure, even) > 10
    assert cllr(np.array([1.0, -1.0]), np.array([1.0, 0.0]), np.zeros(1), np.ones(1)) < 1


@pytest.mark.parametrize(
    ("log10", "words"),
    [
        (0.0, NEITHER),
        (0.29, NEITHER),
        (0.31, "weak support for the same artist"),
        (1.0, "moderate support for the same artist"),
        (2.0, "moderately strong support for the same artist"),
        (-1.5, "moderate support for another artist"),
        (4.0, "very strong support for the same artist"),
        (6.0, "extremely strong support for the same artist"),
    ],
)
def test_ratios_in_words(log10, words):
    assert in_words(log10) == words


def test_the_lead_is_where_the_first_is_mostly_right():
    dice = np.random.default_rng(0)
    leads = dice.random(4000) * 4
    right = dice.random(4000) < np.where(leads < 2, 0.6, 0.99)
    standard = np.zeros((4000, 3))
    standard[:, 0] = leads
    standard[:, 2] = -9
    own = np.zeros((4000, 3), dtype=bool)
    own[np.arange(4000), np.where(right, 0, 1)] = True
    assert least_lead(standard, own, np.ones(4000)) == pytest.approx(2.0, abs=0.05)
    assert least_lead(standard, own[:, ::-1], np.ones(4000)) == float("inf"), "neither of the two made them"
    assert least_lead(standard[:, :1], own[:, :1], np.ones(4000)) == float("inf")
