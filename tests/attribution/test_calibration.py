import numpy as np
import pytest
from planted import gallery_of, planted_descriptors, planted_gallery

from stylesearch.attribution.calibration import calibrate, judge
from stylesearch.attribution.matching import FEWEST_MAKERS, match
from stylesearch.attribution.null import STEPS, Null, steps_of
from stylesearch.attribution.sure_works import Traits
from stylesearch.errors import InputError


@pytest.fixture(scope="module")
def gallery():
    return planted_gallery(30, 12)


@pytest.fixture(scope="module")
def calibration(gallery):
    return calibrate(gallery, resamples=100)


def test_the_p_value_is_conformal():
    weights = np.zeros(STEPS)
    weights[steps_of(np.array([0.0, 1.0, 2.0, 3.0]))] = 1
    null = Null(weights, 4)
    assert null.p_values(np.array([-1.0, 1.5, 3.5])).tolist() == [1.0, 3 / 5, 1 / 5]
    assert null.floor == 1 / 5
    assert null.p_values(np.array([2.0]))[0] == 3 / 5, "one as high as the score counts against it"
    assert np.isnan(null.p_values(np.array([np.nan]))[0])


def test_makers_count_the_same_however_much_they_made():
    rows, names = planted_descriptors(12, 20)
    few = [place for place in range(len(names)) if names[place] != "artist 003" or place % 20 < 5]
    whole, fewer = (
        calibrate(gallery_of(rows, names), resamples=20),
        calibrate(gallery_of(rows[few], [names[place] for place in few]), resamples=20),
    )
    assert whole.null.pairs == fewer.null.pairs == 12 * 11
    assert whole.null.weights.sum() == pytest.approx(12 * 11)
    assert fewer.null.weights.sum() == pytest.approx(12 * 11)
    assert whole.standards.makers.tolist() == [11] * 12


def test_strangers_are_seldom_taken_for_an_artist():
    below = []
    for seed in range(6):
        gallery = planted_gallery(30, 12, seed=seed)
        strangers, _ = planted_descriptors(100, 1, seed=100 + seed)
        p_values = judge(calibrate(gallery, resamples=2), gallery, strangers).p_values
        below.append([(p_values <= 0.05).mean(), (p_values <= 0.01).mean()])
    five, one = np.mean(below, axis=0)
    assert 0.03 < five <= 0.06
    assert 0.003 < one <= 0.015


def test_an_artists_other_works_are_told(gallery, calibration):
    others = planted_descriptors(30, 40)[0].reshape(30, 40, -1)[:, 12:14].reshape(60, -1)
    judged = judge(calibration, gallery, others)
    makers = np.repeat(np.arange(30), 2)
    assert (np.argmax(judged.standard, axis=1) == makers).mean() > 0.9
    assert (judged.log10[np.arange(60), makers] > 0.5).mean() > 0.9
    wrong = np.ones(judged.log10.shape, dtype=bool)
    wrong[np.arange(60), makers] = False
    assert np.median(judged.log10[wrong]) < 0


def test_the_likelihood_ratio_rises_and_is_bounded_by_the_sample(calibration):
    ratios = calibration.likelihood
    assert (np.diff(ratios.log10) > 0).all()
    low, high = ratios.bounds
    assert (ratios.artists, ratios.pairs) == (30, 870)
    assert 1 < high <= 871
    assert 1 / 31 <= low < 1
    assert ratios.of(np.array([-100.0, 100.0])).tolist() == [ratios.log10[0], ratios.log10[-1]]


def test_artists_who_draw_alike_cannot_be_told_apart():
    rows, names = planted_descriptors(12, 20)
    twice = [
        f"{name} {place % 2}" if name in ("artist 000", "artist 001") else name
        for place, name in enumerate(names)
    ]
    found = calibrate(gallery_of(rows, twice), resamples=200)
    verdicts = dict(zip(found.prototypes.artists, found.gaps, strict=True))
    for name in ("artist 000 0", "artist 000 1", "artist 001 0", "artist 001 1"):
        assert not verdicts[name].tells_apart
        assert verdicts[name].rival == (f"{name[:-1]}{1 - int(name[-1])}",)
    assert verdicts["artist 005"].tells_apart
    assert verdicts["artist 005"].low <= verdicts["artist 005"].gap <= verdicts["artist 005"].high


def test_artists_of_few_works_are_kept_apart():
    rows, names = planted_descriptors(6, 8)
    names[5 * 8 :] = ["artist 005"] * 4 + ["artist 006"] * 4
    found = calibrate(gallery_of(rows, names), resamples=20)
    assert found.prototypes.artists == tuple(f"artist {number:03}" for number in range(5))
    assert found.few == {"artist 005": 4, "artist 006": 4}


@pytest.mark.parametrize(("artists", "works"), [(2, 10), (8, 4)])
def test_too_little_is_told(artists, works):
    with pytest.raises(InputError) as caught:
        calibrate(planted_gallery(artists, works))
    assert caught.value.code == "too_few_artists"


def test_works_are_matched_by_what_is_known_and_leaves_enough():
    count = FEWEST_MAKERS + 2
    rows, names = planted_descriptors(2 * count, 2)
    traits = []
    for place in range(len(names)):
        artist = place // 2
        early = artist < count
        medium = "ink" if artist < 3 else "oil"
        traits.append(Traits("north" if early else "south", medium, (1600, 1650) if early else (1800, 1850)))
    traits[-1] = traits[-2] = Traits("south", None, None)
    works = gallery_of(rows, names, traits)
    compared, matchings = match(works, np.arange(len(works)), works.artists)
    artists = np.arange(len(works)) // 2
    # Ink has too few makers, so the medium is dropped; movement and period stay.
    assert matchings[0].by == ("movement", "period")
    assert (compared[:, 0] == ((artists < count) & (artists != 0))).all()
    assert matchings[0].years == (1575, 1675)
    # Of the last artist only the movement is known.
    assert matchings[-1].by == ("movement",)
    assert matchings[-1].years is None
    assert (compared[:, -1] == ((artists >= count) & (artists != 2 * count - 1))).all()


def test_without_metadata_all_others_are_compared():
    works = planted_gallery(4, 3)
    compared, matchings = match(works, np.arange(12), works.artists)
    assert [one.by for one in matchings] == [()] * 4
    assert (compared == (works.makers[:, None] != np.arange(4))).all()
