from concurrent.futures import ThreadPoolExecutor

import pytest

from stylesearch.catalog.credits import ensure_artists
from stylesearch.catalog.records import Credit

ARTISTS = "SELECT name, ulan_id, wikidata_id FROM artist ORDER BY name"
ALIASES = "SELECT artist.name, artist_alias.name FROM artist_alias JOIN artist ON artist.id = artist_id ORDER BY 1, 2"


@pytest.fixture
def ensure(toy):
    def ensure(*credits_: Credit) -> list[int]:
        with toy.database.session() as session:
            found = ensure_artists(session, credits_)
        return [found[credit] for credit in credits_]

    return ensure


def test_a_name_is_one_artist(toy, ensure):
    first = ensure(Credit("Ann"), Credit("Bo"), Credit("Ann", qualifier="after"))
    assert first[0] == first[2] != first[1]
    assert ensure(Credit("Bo"), Credit("Ann")) == [first[1], first[0]]
    assert ensure() == []
    assert toy.rows(ARTISTS) == [("Ann", None, None), ("Bo", None, None)]


def test_identifiers_and_other_names_are_kept(toy, ensure):
    credit = Credit("Ann Lee", aliases=("A. Lee", "Ann Lee", "Lee"), ulan_id="500000001", wikidata_id="Q1")
    assert ensure(credit) == ensure(credit)
    assert toy.rows(ARTISTS) == [("Ann Lee", "500000001", "Q1")]
    assert toy.rows(ALIASES) == [("Ann Lee", "A. Lee"), ("Ann Lee", "Lee")]


def test_an_artist_is_given_the_identifiers_that_were_missing(toy, ensure):
    (first,) = ensure(Credit("Ann"))
    assert ensure(Credit("Ann", ulan_id="500000001")) == [first]
    assert ensure(Credit("Ann", wikidata_id="Q1")) == [first]
    assert toy.rows(ARTISTS) == [("Ann", "500000001", "Q1")]


@pytest.mark.parametrize("known", [{"ulan_id": "500000001"}, {"wikidata_id": "Q1"}])
def test_an_identifier_says_who_is_meant_however_it_is_spelt(toy, ensure, known):
    (first,) = ensure(Credit("Ann Lee", **known))
    assert ensure(Credit("Lee, Ann", **known), Credit("Anne Lee", **known)) == [first, first]
    assert [row[0] for row in toy.rows(ARTISTS)] == ["Ann Lee"]
    assert toy.rows(ALIASES) == [("Ann Lee", "Anne Lee"), ("Ann Lee", "Lee, Ann")]


def test_several_spellings_that_come_together_are_one(toy, ensure):
    ids = ensure(Credit("Ann Lee", ulan_id="500000001"), Credit("Lee, Ann", ulan_id="500000001"))
    assert ids[0] == ids[1]
    assert len(toy.rows(ARTISTS)) == 1


def test_two_of_one_name_stay_two(toy, ensure):
    elder = Credit("Jan Brueghel", ulan_id="500000001", wikidata_id="Q1")
    younger = Credit("Jan Brueghel", ulan_id="500000002", wikidata_id="Q2")
    nobody_knows = Credit("Jan Brueghel")
    ids = ensure(elder, younger, nobody_knows)
    assert ids[0] != ids[1]
    assert ids[2] == ids[0]
    assert ensure(younger, elder) == [ids[1], ids[0]]
    assert toy.rows(ARTISTS) == [
        ("Jan Brueghel", "500000001", "Q1"),
        ("Jan Brueghel (ULAN 500000002)", "500000002", "Q2"),
    ]


def test_identifiers_that_contradict_each_other_break_nothing(toy, ensure):
    ann, bo = ensure(Credit("Ann", ulan_id="500000001"), Credit("Bo", wikidata_id="Q2"))
    assert ensure(Credit("Cy", ulan_id="500000001", wikidata_id="Q2")) == [ann]
    assert toy.rows(ARTISTS) == [("Ann", "500000001", None), ("Bo", None, "Q2")]
    assert ann != bo


def test_writers_of_the_same_artists_neither_deadlock_nor_double(toy, ensure):
    def credits_of(number: int) -> list[Credit]:
        people = [
            Credit(f"spelling {number % 2} of {one}", ulan_id=f"50000{one:04}", aliases=(f"alias {one}",))
            for one in range(20)
        ]
        people += [Credit(f"person {one}") for one in range(20)]
        return people[number:] + people[:number]

    with ThreadPoolExecutor(6) as pool:
        for found in pool.map(lambda number: ensure(*credits_of(number)), range(12)):
            assert len(found) == 40
    assert toy.value("SELECT count(*) FROM artist") == 40
    assert toy.value("SELECT count(DISTINCT ulan_id) FROM artist") == 20


def test_a_work_keeps_its_artists_part(toy, make_work):
    credit = Credit("Ann Lee", qualifier="after", aliases=("A. Lee",), ulan_id="500000001", wikidata_id="Q1")
    work = make_work("a", credits=(credit, Credit("Lee, Ann", ulan_id="500000001")))
    toy.write(work)
    toy.write(work)
    assert toy.rows(
        "SELECT artist.name, qualifier FROM work_artist JOIN artist ON artist.id = artist_id"
    ) == [("Ann Lee", "after")]
    assert toy.rows(ALIASES) == [("Ann Lee", "A. Lee"), ("Ann Lee", "Lee, Ann")]
