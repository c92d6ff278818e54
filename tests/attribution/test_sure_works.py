import numpy as np
import pytest

from stylesearch.attribution.prototypes import prototypes
from stylesearch.attribution.sure_works import Traits, sure_works
from stylesearch.errors import InputError

ROWS = np.eye(6, dtype=np.float32)


def sets(*names: str) -> list[frozenset[str]]:
    return [frozenset(name.split("+")) if name else frozenset() for name in names]


def test_each_thing_counts_once_and_what_is_contested_not_at_all():
    works = sure_works(ROWS, sets("Ann", "Ann", "Bo", "Ann", "Bo", ""), np.array([0, 0, 2, 3, 3, 5]))
    assert works.places.tolist() == [0, 2]
    assert (works.repeated, works.contested) == (1, 2)
    assert works.artists == ("Ann", "Bo")


def test_a_work_by_two_is_both_artists_work():
    works = sure_works(ROWS, sets("Ann", "Ann+Bo", "Bo", "Cy", "Ann", "Cy"), np.arange(6))
    by = {name: works.places[works.by(number)].tolist() for number, name in enumerate(works.artists)}
    assert by == {"Ann": [0, 1, 4], "Bo": [1, 2], "Cy": [3, 5]}
    assert works.counts().tolist() == [3, 2, 2]
    together = int(works.makers[1])
    assert works.places[works.sharing(together)].tolist() == [0, 1, 2, 4]
    alone = int(works.makers[3])
    assert works.places[works.sharing(alone)].tolist() == [3, 5]


def test_some_of_the_works_are_a_gallery_of_their_own():
    traits = [Traits(movement=str(place)) for place in range(6)]
    works = sure_works(ROWS, sets("Ann", "Ann+Bo", "Bo", "Cy", "Ann", "Cy"), np.arange(6), traits)
    some = works.only(np.array([False, True, False, True, False, True]))
    assert some.artists == ("Ann", "Bo", "Cy")
    assert some.places.tolist() == [1, 3, 5]
    assert [one.movement for one in some.traits] == ["1", "3", "5"]
    assert some.counts().tolist() == [1, 1, 2]


@pytest.mark.parametrize(
    ("names", "groups", "code"),
    [(sets(*[""] * 6), np.arange(6), "no_sure_works"), (sets("Ann"), np.arange(6), "labels")],
)
def test_what_cannot_be_used_is_told(names, groups, code):
    with pytest.raises(InputError) as caught:
        sure_works(ROWS, names, groups)
    assert caught.value.code == code


def test_a_prototype_is_the_mean_of_the_works_and_can_lose_some():
    dice = np.random.default_rng(0)
    rows = dice.normal(size=(6, 4))
    works = sure_works(rows, sets("Ann", "Ann", "Ann+Bo", "Bo", "Cy", "Ann"), np.arange(6))
    known = prototypes(works, fewest=2)
    assert known.artists == ("Ann", "Bo")
    assert known.works.tolist() == [4, 2]
    np.testing.assert_allclose(known.means[0], works.rows[[0, 1, 2, 5]].mean(axis=0), atol=1e-7)
    left = known.without(0, works.rows[[1, 5]])
    np.testing.assert_allclose(left, works.rows[[0, 2]].mean(axis=0), atol=1e-7)
    assert known.without(1, works.rows[[2, 3]]) is None
