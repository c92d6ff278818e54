import dataclasses

import numpy as np
import pytest
from planted import gallery_of, planted_descriptors, planted_gallery

from stylesearch.attribution.calibration import calibrate, judge
from stylesearch.attribution.findings import adjusted, conclude, discoveries
from stylesearch.attribution.gaps import SetGap
from stylesearch.evaluation.ranking import unit

APART, OPEN = SetGap(1.0, 0.5, 1.5, ()), SetGap(0.1, -0.5, 0.7, ())


@pytest.fixture(scope="module")
def gallery():
    return planted_gallery(30, 12)


@pytest.fixture(scope="module")
def calibration(gallery):
    found = calibrate(gallery, resamples=20)
    return dataclasses.replace(found, gaps=(APART,) * 30, lead=1.0, loneliest=0.0, few={"Small": 2})


def concluded(calibration, standard, **options):
    standard = np.array(standard, dtype=float)
    values = np.full(30, -1.0)
    values[: len(standard)] = standard
    return conclude(
        calibration, standard=values, p_values=calibration.null.p_values(values), crowding=0.5, **options
    )


def by_hand(p_values, rate):
    """Benjamini and Hochberg's procedure, step by step."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    found = [rank for rank, place in enumerate(order, 1) if p_values[place] <= rate * rank / len(p_values)]
    return {order[rank] for rank in range(max(found, default=0))}


def test_discoveries_are_those_of_benjamini_and_hochberg():
    dice = np.random.default_rng(0)
    for _ in range(50):
        p_values = dice.random(12) ** 3
        found = discoveries(p_values, 0.2)
        assert set(np.flatnonzero(found).tolist()) == by_hand(p_values.tolist(), 0.2)
        assert (found == (adjusted(p_values) <= 0.2)).all()
    assert discoveries(np.array([[0.01, np.nan], [0.9, 0.8]]), 0.1).tolist() == [
        [True, False],
        [False, False],
    ]
    assert np.isnan(adjusted(np.array([0.5, np.nan]))[1])


def test_one_artist_is_named(calibration):
    said = concluded(calibration, [12.0, 1.0])
    assert (said.outcome, said.names, said.reason, said.found) == ("artist", ("artist 000",), None, (0,))


def test_two_who_are_too_near_are_a_group(calibration):
    said = concluded(calibration, [12.0, 11.5])
    assert (said.outcome, said.names, said.reason) == (
        "group",
        ("artist 000", "artist 001"),
        "not_told_apart",
    )


def test_a_group_of_many_is_no_answer(calibration):
    said = concluded(calibration, [12.0] * 6)
    assert (said.outcome, said.reason, len(said.names)) == ("abstained", "not_told_apart", 5)


def test_nobody_is_named_where_nobody_passes(calibration):
    assert concluded(calibration, [0.5]).outcome == "nobody"


def test_an_artist_whose_gap_reaches_zero_is_not_named(calibration):
    open_ = dataclasses.replace(calibration, gaps=(OPEN,) + (APART,) * 29)
    said = concluded(open_, [12.0, 10.0])
    assert (said.outcome, said.names, said.reason) == ("abstained", ("artist 000",), "gap_reaches_zero")
    assert said.found == ()


def test_a_lonely_image_is_out_of_the_domain(calibration):
    lonely = dataclasses.replace(calibration, loneliest=0.6)
    assert concluded(lonely, [12.0]).reason == "out_of_domain"


def test_a_small_null_says_nothing(calibration):
    said = concluded(calibration, [12.0], rate=0.01)
    assert (said.outcome, said.reason) == ("abstained", "null_too_small")


def test_where_nobody_is_left_nobody_is_named(calibration):
    nothing = np.full(30, np.nan)
    said = conclude(calibration, standard=nothing, p_values=nothing, crowding=0.5)
    assert said.outcome == "nobody"


def test_artists_with_too_few_works_are_told(calibration):
    said = concluded(calibration, [0.5], nearest_artists=("Small",))
    assert (said.outcome, said.names, said.reason) == ("abstained", ("Small",), "too_few_works")
    assert concluded(calibration, [12.0], nearest_artists=("Small",)).outcome == "artist"


def test_what_is_far_from_all_that_is_here_is_out_of_the_domain():
    rows, names = planted_descriptors(30, 14)
    shared = np.eye(1, rows.shape[1], dtype=np.float32)  # what all pictures have in common, as real ones do
    kept, held = np.arange(420) % 14 != 13, np.arange(420) % 14 == 13
    gallery = gallery_of(
        (rows + shared)[kept], [name for name, keep in zip(names, kept, strict=True) if keep]
    )
    found = calibrate(gallery, resamples=20)
    inside, outside = unit((rows + shared)[held]), unit((rows - shared)[held])
    assert (judge(found, gallery, inside).crowding > found.loneliest).mean() > 0.9
    assert (judge(found, gallery, outside).crowding < found.loneliest).mean() > 0.9
