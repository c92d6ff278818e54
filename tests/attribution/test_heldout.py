import dataclasses
import json
import math

import numpy as np
import pytest
from lxml import etree
from planted import gallery_of, planted_descriptors, planted_gallery

from stylesearch.attribution.checking import figures
from stylesearch.attribution.heldout import hold_out
from stylesearch.attribution.reliability_plot import reliability_plot
from stylesearch.errors import InputError


@pytest.fixture(scope="module")
def found():
    seen = []
    held = hold_out(
        planted_gallery(40, 12, spread=0.7), resamples=60, on_progress=lambda *done: seen.append(done)
    )
    assert seen == [(number, 5) for number in range(1, 6)]
    return held, figures(held)


def test_promises_are_kept_on_what_was_held_out(found):
    _, told = found
    assert told.wrong_pairs > 5000
    assert told.wrong_below_5 <= 0.06
    assert told.wrong_below_1 <= 0.015
    assert told.passed_rate <= 0.12
    assert told.discovery_rate <= 0.12
    assert told.cllr < 0.5
    assert told.recall > 0.5
    assert told.top1 > 0.9


def test_artists_and_works_are_held_out(found):
    held, told = found
    assert told.artists == 40
    outside = [name for name, known in zip(held.queries.artist, held.queries.known, strict=True) if not known]
    assert len(set(outside)) == 40, "every artist is out of the gallery once"
    assert len(outside) == 40 * 12
    assert not held.pairs.own[~held.pairs.known].any()
    assert held.queries.found_right[~held.queries.known].sum() == 0


def test_styles_that_mean_nothing_find_nobody():
    dice = np.random.default_rng(0)
    names = [f"artist {number:03}" for number in range(40) for _ in range(12)]
    told = figures(hold_out(gallery_of(dice.normal(size=(480, 16)), names), resamples=60))
    assert told.cllr == pytest.approx(1.0, abs=0.05)
    assert told.named < 0.1
    assert told.discovery_rate <= 0.12


def test_figures_are_json_values(found):
    values = found[1].to_json()
    bins = values.pop("reliability")
    assert bins
    assert all(0 <= one[name] <= 1 for one in bins for name in ("said", "seen", "share"))
    flat = [*values.values(), *values.pop("raw").values(), *values.pop("raw_nearest").values()]
    assert all(value is None or math.isfinite(value) for value in flat if not isinstance(value, dict))
    assert json.loads(json.dumps([values, bins])) == [values, bins]


def test_likelihood_ratios_say_what_is_seen(found):
    """Over all pairs at even odds; and the more is said, the more is seen."""
    bins = found[1].reliability
    assert sum(one.share for one in bins) == pytest.approx(1)
    assert sum(one.share * one.seen for one in bins) == pytest.approx(0.5)
    assert [one.said for one in bins] == sorted(one.said for one in bins)
    assert bins[0].seen < 0.1 < 0.9 < bins[-1].seen
    page = reliability_plot([dataclasses.asdict(one) for one in bins])
    assert page.count("<circle") == len(bins)
    etree.fromstring(page)


def test_a_threshold_on_raw_cosines_is_counted(found):
    held, told = found
    pairs = held.pairs
    there = pairs.nearest >= 0.8
    expected = np.average(there[pairs.own], weights=pairs.weights[pairs.own])
    assert told.raw_nearest.right == pytest.approx(expected)
    found_by_query = [there[pairs.query == number].any() for number in range(told.queries)]
    weights = [1 / held.queries.artist.count(name) for name in held.queries.artist]
    assert told.raw_nearest.found == pytest.approx(np.average(found_by_query, weights=weights))


def test_folds_must_divide():
    rows, names = planted_descriptors(6, 6)
    with pytest.raises(InputError):
        hold_out(gallery_of(rows, names), folds=1)
