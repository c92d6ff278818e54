import numpy as np
import pytest
from sqlalchemy import text

from stylesearch.catalog import encoders, upgrades, whitening

NUMBER = 60


@pytest.fixture
def spread(toy, make_work):
    """A gallery that lies off its centre, and along one axis far more than along the others."""
    dice = np.random.default_rng(2)
    vectors = dice.standard_normal((NUMBER, 8)) * [5, 1, 1, 1, 1, 1, 1, 1] + [0, 8, 0, 0, 0, 0, 0, 0]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    toy.write(*(make_work(f"w{number}", vector=vector) for number, vector in enumerate(vectors)))
    return toy


def fitted(toy) -> whitening.Space | None:
    with toy.database.session() as session:
        return whitening.space(session, toy.encoder)


def stored(toy) -> np.ndarray:
    rows = toy.rows(f"SELECT vector::vector::real[] FROM {toy.encoder.partition} ORDER BY image_id")
    return np.array([row[0] for row in rows], dtype=float)


def test_a_gallery_spreads_alike_in_its_space(spread):
    assert whitening.refresh(spread.database, spread.encoder) == NUMBER
    places = fitted(spread).places(stored(spread))
    assert np.abs(places.mean(axis=0)).max() < 1e-2
    variances = np.linalg.eigvalsh(np.cov(places.T))
    assert variances.max() <= 1.01
    before = np.linalg.eigvalsh(np.cov(stored(spread).T))
    assert variances.max() / variances.min() < 0.05 * before.max() / before.min()


def test_lengths_are_those_of_the_descriptors(spread):
    whitening.refresh(spread.database, spread.encoder)
    lengths = [row[0] for row in spread.rows("SELECT length FROM whitened ORDER BY image_id")]
    places = fitted(spread).places(stored(spread))
    assert lengths == pytest.approx(np.linalg.norm(places, axis=1), rel=1e-6)
    assert fitted(spread).length == pytest.approx(np.mean(lengths), rel=1e-6)


def test_what_comes_in_is_measured_and_what_is_replaced_measured_anew(spread, make_work):
    whitening.refresh(spread.database, spread.encoder)
    space = fitted(spread)
    assert whitening.refresh(spread.database, spread.encoder) == 0
    spread.write(make_work("another"), make_work("w3", content="other"))
    assert whitening.refresh(spread.database, spread.encoder) == 2
    assert fitted(spread) is space


def test_a_gallery_that_has_outgrown_its_space_is_given_another(spread, make_work):
    whitening.refresh(spread.database, spread.encoder)
    space = fitted(spread)
    spread.write(*(make_work(f"more {number}") for number in range(NUMBER)))
    assert whitening.refresh(spread.database, spread.encoder) == 2 * NUMBER
    assert not np.allclose(fitted(spread).matrix, space.matrix)


def test_nothing_is_fitted_to_few(toy, make_work):
    toy.write(*(make_work(f"w{number}") for number in range(whitening.LEAST - 1)))
    assert whitening.refresh(toy.database, toy.encoder) == 0
    assert fitted(toy) is None


def test_what_is_hidden_leaves_no_trace(spread, make_work):
    whitening.refresh(spread.database, spread.encoder)
    space = fitted(spread)
    spread.write(*(make_work(f"hidden {number}") for number in range(10)))
    with spread.database.session() as session:
        session.execute(text("UPDATE work SET withdrawn_at = now() WHERE source_id LIKE 'hidden%'"))
        session.execute(text("DELETE FROM whitening"))
    whitening.refresh(spread.database, spread.encoder)
    assert np.array_equal(fitted(spread).matrix, space.matrix)


def test_a_direction_of_the_space_tells_what_places_tell(spread):
    whitening.refresh(spread.database, spread.encoder)
    space, vectors = fitted(spread), stored(spread)
    along, offset = space.towards(space.places(vectors[:1])[0])
    place = space.places(vectors[:1])[0]
    expected = space.places(vectors) @ place / np.linalg.norm(place)
    assert vectors @ along - offset == pytest.approx(expected)


def test_it_goes_with_the_gallery(spread, make_identity):
    whitening.refresh(spread.database, spread.encoder)
    with spread.database.session() as session:
        upgrades.activate(session, encoders.register(session, make_identity(slug="new", digest="n")))
        upgrades.retire(session, spread.encoder)
    assert spread.rows("SELECT FROM whitening UNION ALL SELECT FROM whitened") == []
