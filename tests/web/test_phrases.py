"""Filters in words, and errors by their codes."""

import re
from pathlib import Path

import pytest
from flask_babel import force_locale

from stylesearch.search.conditions import LANGUAGES, Condition
from stylesearch.search.filters import EVERYTHING, NOTHING
from stylesearch.search.grammar import parse
from web import phrases
from web.phrases import phrase, sentence
from web.told import CHECKS, MESSAGES, in_their_language

ROOT = Path(__file__).parents[2]
SAID = {
    "reuse:open year:1880..1900": "Works openly licensed, made from 1880 to 1900",
    "artist:A OR artist:B": "Works by A or B",
    "artist-after:A qualifier:workshop-of": "Works credited as “after A”, credited as “workshop of somebody”",
    "artist-own:A": "Works outright by A",
    "-reuse:unknown -(medium:ink OR type:print)": (
        "Works not with rights that are not stated, not (in ink or of the type print)"
    ),
    "collection:drawn movement:a OR period:b": "Works (from Drawn by stylesearch, of the movement a) or of the period b",
    "year:..1650 OR year:1900 OR year:1950..": (
        "Works made in 1650 or earlier, made in 1900 or made in 1950 or later"
    ),
    'keyword:cat "red boats" text-fr:bateaux has:image': (
        "Works about cat, that say “red boats”, that say “bateaux” in French, with an image"
    ),
    "ingested:2024-01-01..2024-06-30": "Works taken in from 2024-01-01 to 2024-06-30",
    "map:3@0,0,10,10": "Works in a part of the style map",
    "collection:nowhere": "Works collection:nowhere",
    "license:none-such": "Works license:none-such",
}


@pytest.fixture
def session(app, archive):
    with app.test_request_context("/"), archive.database.session() as session:
        yield session


@pytest.mark.parametrize(("line", "said"), SAID.items())
def test_a_filter_is_told(session, line, said):
    assert sentence(session, parse(line)) == said


def test_all_and_nothing_are_told(session):
    assert (sentence(session, EVERYTHING), sentence(session, NOTHING)) == ("All works", "No works")
    assert phrase(session, EVERYTHING) == "of any kind"


def test_a_filter_is_told_in_german(session):
    with force_locale("de"):
        line = "(artist:A OR artist:B OR artist:C) -license:CC0-1.0 year:..1900"
        told = sentence(session, parse(line))
        assert told.startswith("Werke von A, B oder C, nicht unter ")
        assert told.endswith(", gemacht 1900 oder früher")


def test_every_condition_can_be_told():
    # Classes with slots are there twice.
    names = {one.__name__ for one in Condition.__subclasses__()}
    assert {one.__name__ for one in phrases._OF} == names
    assert set(phrases._LANGUAGES) == set(LANGUAGES)


def test_every_error_that_is_translated_exists():
    sources = "\n".join(
        path.read_text("utf-8")
        for folder in ("stylesearch", "web")
        for path in (ROOT / folder).rglob("*.py")
        if path.name != "told.py"
    )
    ours = {"not_found", "method_not_allowed"}  # of HTTP
    assert [code for code in MESSAGES if code not in ours and f'"{code}"' not in sources] == []


def test_an_error_is_told_exactly_in_english_and_in_general_in_german(session):
    told = ("There is no artist 'X' here.", "Did you mean: Y?")
    assert in_their_language("unknown_artist", *told) == told
    with force_locale("de"):
        assert in_their_language("unknown_artist", *told)[0] == "Hier gibt es keinen Künstler dieses Namens."
        assert in_their_language("something_new", *told) == told


def test_every_check_of_a_report_is_translated():
    source = (ROOT / "stylesearch/attribution/verifying.py").read_text("utf-8")
    found = set(re.findall(r'Check\(\s*"(form|signature|works|gallery)",\s*"(holds|fails|unknown)"', source))
    assert found == set(CHECKS)
