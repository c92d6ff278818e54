import pytest
from sqlalchemy import func, select

from stylesearch.catalog import encoders
from stylesearch.catalog.access import Access
from stylesearch.catalog.collections import set_visibility
from stylesearch.catalog.maps import SIZE, MapPoint, StyleMap
from stylesearch.catalog.works import Work
from stylesearch.errors import InputError, NotFoundError
from stylesearch.search import stylemap
from stylesearch.search.clauses import clause
from stylesearch.search.conditions import OnMap
from stylesearch.search.examples import Region
from stylesearch.search.filters import negated
from stylesearch.search.grammar import parse, write
from stylesearch.search.listing import list_works


@pytest.fixture
def encoder(archive):
    with archive.database.session() as session:
        return encoders.active(session, "lite")


def test_a_map_has_every_work_once(archive, encoder):
    made = stylemap.build(archive.database, encoder)
    assert (made.works, made.gallery) == (30, 30)
    with archive.database.session() as session:
        rows = session.execute(select(MapPoint.work_id, MapPoint.x, MapPoint.y)).all()
        assert {row.work_id for row in rows} == set(session.scalars(select(Work.id)))
        assert max(max(row.x, row.y) for row in rows) == SIZE
        assert stylemap.newest(session, encoder).id == made.id
        assert not stylemap.is_due(session, encoder)


def test_a_new_map_takes_the_place_of_the_one_before(archive, encoder):
    first = stylemap.build(archive.database, encoder)
    second = stylemap.build(archive.database, encoder)
    assert second.id > first.id
    with archive.database.session() as session:
        assert session.scalars(select(StyleMap.id)).all() == [second.id]
        assert session.scalar(select(func.count()).select_from(MapPoint)) == 30


def test_a_map_is_due_where_there_is_none_and_where_the_gallery_is_another(archive, encoder):
    with archive.database.session() as session:
        assert stylemap.is_due(session, encoder)
    stylemap.build(archive.database, encoder)
    with archive.database.session() as session:
        session.get_one(Work, session.scalar(select(func.min(Work.id)))).withdrawn_at = func.now()
        session.flush()
        assert not stylemap.is_due(session, encoder)
        for work in session.scalars(select(Work).limit(10)):
            work.withdrawn_at = func.now()
        session.flush()
        assert stylemap.is_due(session, encoder)
        session.rollback()


def test_what_is_hidden_is_on_no_map(archive, encoder):
    with archive.database.session() as session:
        set_visibility(session, "drawn", Access.STAFF)
    with pytest.raises(NotFoundError) as caught:
        stylemap.build(archive.database, encoder)
    assert caught.value.code == "empty_gallery"


def test_a_part_of_a_map_is_a_filter(archive, encoder):
    made = stylemap.build(archive.database, encoder)
    half = OnMap(made.id, Region(0, 0, 5_000, SIZE + 1))
    assert parse(write(half)) == half
    with archive.database.session() as session:
        inside = list_works(session, half)
        outside = list_works(session, negated(half))
        assert inside.matching + outside.matching == 30
        assert 0 < inside.matching < 30
        left = set(session.scalars(select(MapPoint.work_id).where(MapPoint.x < 5_000)))
        assert {card.work_id for card in inside.cards} <= left
        assert clause(session, half).sentence == "Works in a part of the style map"


def test_a_part_of_another_map_is_told(archive, encoder):
    made = stylemap.build(archive.database, encoder)
    with archive.database.session() as session, pytest.raises(NotFoundError) as caught:
        clause(session, OnMap(made.id + 1, Region(0, 0, 10, 10)))
    assert caught.value.code == "unknown_map"


@pytest.mark.parametrize(
    "text", ["map:x", "map:1@", "map:1@1,2,3", "map:0@0,0,9,9", "map:1@0,0,0,9", "map:1@0,0,99999,9"]
)
def test_what_is_no_part_of_a_map_is_refused(text):
    with pytest.raises(InputError):
        parse(text)


def test_the_commands_draw_a_map_and_tell_of_it(archive_environment, run_command):
    assert "no map" in run_command("map", "status").out
    assert "drew 30 of 30 works" in run_command("map", "build").out
    told = run_command("map", "status").out
    assert "of 30 works" in told
    assert "anew" not in told
