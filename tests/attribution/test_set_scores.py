import numpy as np
import pytest
from planted import gallery_of, planted_descriptors, planted_gallery

from stylesearch.attribution.crowding import crowding_of, own_crowding
from stylesearch.attribution.gss import style_similarity
from stylesearch.attribution.prototypes import prototypes
from stylesearch.attribution.set_scores import score_queries, score_works
from stylesearch.attribution.sure_works import sure_works
from stylesearch.errors import InputError
from stylesearch.evaluation.csls import NEIGHBOURS


def plain_crowding(query, rows):
    return np.sort((rows @ query).astype(np.float64))[::-1][:NEIGHBOURS].mean()


def test_crowding_leaves_out_the_artist_it_is_for():
    works = planted_gallery(8, 20)
    query = planted_descriptors(1, 3, seed=5)[0]
    table = crowding_of(query, works)
    for row in range(3):
        for artist in range(8):
            expected = plain_crowding(query[row], works.rows[~works.by(artist)])
            assert table[row, artist] == pytest.approx(expected, abs=1e-6)


def test_crowding_looks_further_where_one_artist_fills_the_neighbourhood():
    rows, names = planted_descriptors(4, 200, spread=0.05)
    works = gallery_of(rows, names)
    table = crowding_of(rows[:1], works)
    assert table[0, 0] == pytest.approx(plain_crowding(rows[0], rows[200:]), abs=1e-6)


def test_a_work_is_not_crowded_by_its_own_artists():
    rows, names = planted_descriptors(6, 20)
    company = [
        frozenset({name, "artist 005"}) if place < 3 else frozenset({name})
        for place, name in enumerate(names)
    ]
    works = sure_works(rows, company, np.arange(len(rows)))
    chosen = np.array([0, 50, 119])
    ((part, table),) = own_crowding(works, chosen)
    assert part.tolist() == [0, 50, 119]
    for row, place in enumerate(chosen):
        theirs = works.sharing(int(works.makers[place]))
        for artist in range(6):
            expected = plain_crowding(rows[place], rows[~theirs & ~works.by(artist)])
            assert table[row, artist] == pytest.approx(expected, abs=1e-6)


def test_the_set_score_is_the_mean_csls_with_the_artists_works():
    works = planted_gallery(8, 10)
    known = prototypes(works, fewest=2)
    scores = score_works(works, known)
    query = planted_descriptors(1, 2, seed=5)[0]
    found, _ = score_queries(query, works, known, scores.offsets)
    around = np.array(
        [
            plain_crowding(row, works.rows[works.makers != maker])
            for row, maker in zip(works.rows, works.makers, strict=True)
        ]
    )
    for artist in range(8):
        mine = works.by(artist)
        crowded = plain_crowding(query[0], works.rows[~mine])
        expected = np.mean(2 * works.rows[mine] @ query[0] - crowded - around[mine])
        assert found[0, artist] == pytest.approx(expected, abs=1e-5)


def test_own_scores_are_as_if_the_work_were_not_there():
    rows, names = planted_descriptors(6, 8)
    works = gallery_of(rows, names)
    known = prototypes(works, fewest=2)
    scores = score_works(works, known)
    without = works.only(np.arange(len(works)) != 11)
    fewer = prototypes(without, fewest=2)
    expected, _ = score_queries(rows[11:12], without, fewer, scores.offsets)
    place = np.flatnonzero(scores.own_rows == 11)
    assert scores.own_scores[place] == pytest.approx(expected[0, 1], abs=1e-5)


def test_copies_are_neither_neighbours_nor_works():
    rows, names = planted_descriptors(6, 8)
    works = gallery_of(rows, names)
    known = prototypes(works, fewest=2)
    offsets = score_works(works, known).offsets
    copies = np.isin(np.arange(len(works)), [8, 9])
    found, crowded = score_queries(rows[8:9], works, known, offsets, leave_out=copies)
    without = works.only(~copies)
    expected, alone = score_queries(rows[8:9], without, prototypes(without, fewest=2), offsets)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    np.testing.assert_allclose(crowded, alone, atol=1e-6)
    found, _ = score_queries(rows[8:9], works, known, offsets, leave_out=works.by(1))
    assert np.isnan(found[0, 1])
    assert np.isfinite(np.delete(found[0], 1)).all()


def test_a_sample_holds_no_maker_more_than_often(monkeypatch):
    monkeypatch.setattr("stylesearch.attribution.set_scores.MOST_SCORES", 5 * 6 * 7)
    works = planted_gallery(6, 12)
    scores = score_works(works, prototypes(works))
    assert np.bincount(works.makers[scores.chosen]).tolist() == [5] * 6
    again = score_works(works, prototypes(works))
    assert (scores.chosen == again.chosen).all()


def test_gss_is_mean_against_mean_with_an_interval():
    works = planted_gallery(5, 20)
    known = prototypes(works)
    copied, _ = planted_descriptors(5, 30)
    result = style_similarity(copied[:30], known)
    mean = copied[:30].astype(np.float64).mean(axis=0)
    expected = known.means @ mean / np.linalg.norm(known.means, axis=1) / np.linalg.norm(mean)
    np.testing.assert_allclose(result.scores, expected, atol=1e-6)
    assert np.argmax(result.scores) == 0
    assert (result.low <= result.scores + 1e-9).all()
    assert result.images == 30
    one = style_similarity(copied[:1], known)
    np.testing.assert_allclose(one.low, one.high)
    with pytest.raises(InputError):
        style_similarity(copied, known, resamples=0)
