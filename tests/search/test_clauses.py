import pytest
from sqlalchemy import select

from stylesearch.catalog.access import Access
from stylesearch.catalog.works import Work
from stylesearch.errors import InputError, NotFoundError
from stylesearch.search.clauses import REUSE_WORDS, clause, visible_conditions
from stylesearch.search.conditions import NAMED_FIELDS
from stylesearch.search.facets import FACETS, facets
from stylesearch.search.grammar import parse

# Each filter and what it says; what it lets through is told by the tests' own meanings of conditions.
CASES = {
    "": "All works",
    'artist:"Artist A"': "Works by Artist A",
    'artist:"The master of A"': "Works by The master of A",
    'artist:"Artist A" OR artist:"Artist B"': "Works by Artist A or Artist B",
    'artist:"Artist A" artist:"Artist B"': "Works by Artist A and Artist B",
    '-artist:"Artist A" -artist:"Artist C"': "Works not by Artist A, not by Artist C",
    '-(artist:"Artist A" OR artist:"Artist C")': "Works not by Artist A or Artist C",
    'artist-own:"Artist A"': "Works outright by Artist A",
    'artist-after:"Artist A"': "Works credited as “after Artist A”",
    "qualifier:workshop-of": "Works credited as “workshop of” somebody",
    "license:CC-BY-4.0": "Works under Creative Commons Attribution 4.0",
    "license:http://example.org/terms": "Works under http://example.org/terms",
    "reuse:open": "Works openly licensed",
    "reuse:restricted OR license:permission": "Works by permission only or with restricted reuse",
    "reuse:unknown": "Works with rights that are not stated",
    "-reuse:open": "Works not openly licensed",
    "-reuse:open -reuse:unknown": "Works not openly licensed, not with rights that are not stated",
    "reuse:open -license:CC-BY-4.0": "Works not under Creative Commons Attribution 4.0, openly licensed",
    "collection:second": "Works from Second",
    "-collection:second": "Works not from Second",
    "year:1850..": "Works made in 1850 or later",
    "year:..1850": "Works made in 1850 or earlier",
    "year:1800..1820": "Works made from 1800 to 1820",
    "year:1850": "Works made in 1850",
    "-year:1700..1900": "Works not made from 1700 to 1900",
    "medium:INK": "Works in ink",
    'medium:pastel OR medium:"Oil on canvas"': "Works in oil on canvas or pastel",
    "-medium:ink": "Works not in ink",
    "movement:realism": "Works of the movement realism",
    "period:meiji OR period:edo": "Works of the period edo or meiji",
    "type:print": "Works of the type print",
    "keyword:Barn": "Works about barn",
    "keyword:barn keyword:snow": "Works about barn and snow",
    "boat": "Works that say “boat”",
    "text-de:Booten": "Works that say “Booten” in German",
    "text-fr:voiles OR rosso": "Works that say “rosso” or “voiles” in French",
    '"two boats"': "Works that say “two boats”",
    "-boat": "Works not that say “boat”",
    "ingested:2024-03-01..2024-04-01": "Works taken in from 2024-03-01 to 2024-04-01",
    "ingested:2024-03-01": "Works taken in on 2024-03-01",
    "-ingested:2024-03-01..": "Works not taken in on 2024-03-01 or later",
    'artist:"Artist A" reuse:open year:1800.. keyword:cat': "Works by Artist A, openly licensed, made in 1800 or later, about cat",
    "(keyword:cat medium:ink) OR (reuse:open -type:print)": (
        "Works (openly licensed, not of the type print) or (in ink, about cat)"
    ),
    "-(keyword:cat medium:ink)": "Works not (in ink, about cat)",
    "(keyword:cat OR medium:ink) has:image": "Works in ink or about cat, with an image",
}  # fmt: skip


@pytest.mark.parametrize("line", CASES)
def test_a_filter_lets_through_what_it_says(gallery, line):
    part = parse(line)
    with gallery.database.session() as session:
        found = clause(session, part)
        statement = select(Work.id).where(*visible_conditions([found], Access.EVERYBODY))
        ids = set(session.scalars(statement.order_by(Work.id)))
    expected = {gallery.rows[place].work_id for place in gallery.chosen(part)}
    # Works whose only image is told among another's have none of their own.
    assert ids & {row.work_id for row in gallery.rows} == expected
    assert 0 < len(expected) < len(gallery.rows)
    assert found.sentence == CASES[line]


@pytest.mark.parametrize("line", CASES)
def test_facets_equal_a_plain_count(gallery, line):
    # A work counts once, however many images it has.
    rows = {gallery.rows[place].work_id: gallery.rows[place] for place in gallery.chosen(line)}.values()
    expected = {name: {} for name in FACETS}

    def count(name, value):
        if value is not None:
            expected[name][value] = expected[name].get(value, 0) + 1

    for row in rows:
        count("reuse", row.reuse or "unknown")
        for name in ("license", "collection"):
            count(name, getattr(row, name))
        for name, column in NAMED_FIELDS.items():
            count(name, (getattr(row, column) or "").lower() or None)
        for artist in row.artists:
            count("artist", artist)
        for word in row.keywords:
            count("keyword", word)
    with gallery.database.session() as session:
        # Works without an image are counted too, so they are left out here.
        found = facets(session, parse(f"({line}) has:image" if line else "has:image"))
    counted = {name: {choice.value: choice.count for choice in choices} for name, choices in found.items()}
    assert counted == expected
    for choices in found.values():
        counts = [choice.count for choice in choices]
        assert counts == sorted(counts, reverse=True)
    assert {choice.label for choice in found["reuse"]} <= {
        words.capitalize() for words in REUSE_WORDS.values()
    }


def test_only_the_most_frequent_choices_are_given(gallery):
    with gallery.database.session() as session:
        every, few = facets(session, parse("")), facets(session, parse(""), at_most=2)
    for name, choices in few.items():
        assert choices == every[name][:2]


def test_a_value_is_shown_as_it_is_mostly_written(gallery):
    with gallery.database.session() as session:
        found = facets(session, parse(""))
    assert {choice.value: choice.label for choice in found["movement"]} == {
        "realism": "Realism", "symbolism": "Symbolism",
    }  # fmt: skip


@pytest.mark.parametrize(
    "line",
    [
        "collection:first collection:second",
        "reuse:open license:CC-BY-NC-4.0",
        "license:CC-BY-4.0 -reuse:open",
        "license:CC-BY-4.0 license:CC0-1.0",
        "reuse:unknown license:CC0-1.0",
        'artist:"Artist A" -artist:"Artist A"',
        "keyword:cat (collection:first collection:second OR reuse:open reuse:restricted)",
        "()",
    ],
)
def test_what_cannot_be_is_known_without_looking_at_works(gallery, line):
    with gallery.database.session() as session:
        assert clause(session, parse(line)).impossible
        assert facets(session, parse(line)) == {name: [] for name in FACETS}


def test_an_unknown_artist_suggests_those_with_a_name_like_it(gallery):
    for line in ('artist:"artist a"', '-artist-own:"artist a"'):
        with gallery.database.session() as session, pytest.raises(NotFoundError) as caught:
            clause(session, parse(line))
        assert caught.value.code == "unknown_artist"
        assert "Artist A" in caught.value.hint
    with gallery.database.session() as session, pytest.raises(NotFoundError, match="matched whole"):
        clause(session, parse('artist:"Zzyzx % _ \'"'))


@pytest.mark.parametrize(
    ("line", "error", "code"),
    [
        ("collection:third", NotFoundError, "unknown_collection"),
        ("license:nonsense", InputError, "unknown_license"),
        ("-(keyword:cat OR collection:third)", NotFoundError, "unknown_collection"),
    ],
)
def test_what_is_unknown_is_told(gallery, line, error, code):
    with gallery.database.session() as session, pytest.raises(error) as caught:
        clause(session, parse(line))
    assert caught.value.code == code
