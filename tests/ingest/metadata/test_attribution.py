import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stylesearch.catalog.artists import QUALIFIERS
from stylesearch.catalog.records import tidy
from stylesearch.ingest.metadata.attribution import (
    read_credit,
    read_credits,
    read_qualifier,
    ulan_id,
    wikidata_id,
)


@pytest.mark.parametrize(
    ("text", "name", "qualifier"),
    [
        ("Rembrandt van Rijn", "Rembrandt van Rijn", None),
        ("circle of Rembrandt", "Rembrandt", "circle of"),
        ("Rembrandt van Rijn (1606-1669), circle of", "Rembrandt van Rijn", "circle of"),
        ("Rembrandt (Dutch, 1606–1669) (after)", "Rembrandt", "after"),
        ("Attributed to: Ann Lee", "Ann Lee", "attributed to"),
        ("attr. to Ann Lee", "Ann Lee", "attributed to"),
        ("Ann Lee [?]", "Ann Lee", "attributed to"),
        ("possibly by Ann Lee", "Ann Lee", "attributed to"),
        ("School of Giotto", "Giotto", "school of"),
        ("In the style of Giotto", "Giotto", "manner of"),
        ("Copy after Rubens", "Rubens", "copy after"),
        ("attribué à Poussin", "Poussin", "attributed to"),
        ("Atelier d’Ingres", "Ingres", "workshop of"),
        ("D'après Ingres", "Ingres", "after"),
        ("Ingres, d'après", "Ingres", "after"),
        ("entourage de Watteau", "Watteau", "circle of"),
        ("à la manière de Watteau", "Watteau", "manner of"),
        ("Cranach, Lucas (Werkstatt)", "Cranach, Lucas", "workshop of"),
        ("Werkstatt des Cranach", "Cranach", "workshop of"),
        ("Dürer, Albrecht (nach)", "Dürer, Albrecht", "after"),
        ("Kopie nach Dürer", "Dürer", "copy after"),
        ("Umkreis Dürer", "Dürer", "circle of"),
        ("Dürer zugeschrieben", "Dürer zugeschrieben", None),
        ("Dürer (zugeschrieben)", "Dürer", "attributed to"),
        ("Rubens, Peter Paul, Nachfolger", "Rubens, Peter Paul", "follower of"),
        ("bottega di Giotto", "Giotto", "workshop of"),
        ("Giotto (attribuito a)", "Giotto", "attributed to"),
        ("seguace di Giotto", "Giotto", "follower of"),
        ("Guercino (da)", "Guercino", "after"),
        ("kring van Rubens", "Rubens", "circle of"),
        ("toegeschreven aan Rubens", "Rubens", "attributed to"),
        ("Rubens (navolger van)", "Rubens", "follower of"),
        ("taller de El Greco", "El Greco", "workshop of"),
        ("atribuido a Goya", "Goya", "attributed to"),
        ("Círculo de Goya", "Goya", "circle of"),
        ("Dürer, Albrecht, 1471-1528", "Dürer, Albrecht", None),
        ("Ann Lee, born 1950", "Ann Lee", None),
        ("Ann Lee, c. 1850-90", "Ann Lee", None),
        ("Ann Lee (active 19th century)", "Ann Lee", None),
        ("Ann Lee, painter", "Ann Lee", None),
        ("Hokusai, Katsushika, 1760-1849 (artist)", "Hokusai, Katsushika", None),
        # What only looks like a qualifier is a part of the name.
        ("da Vinci", "da Vinci", None),
        ("Leonardo da Vinci", "Leonardo da Vinci", None),
        ("Afterman", "Afterman", None),
        ("Nachtwey, James", "Nachtwey, James", None),
        ("Wohlgemut, Michael", "Wohlgemut, Michael", None),
        ("Master of the Housebook", "Master of the Housebook", None),
        ("Studio Ghibli", "Studio Ghibli", None),
    ],
)
def test_names_and_qualifiers(text, name, qualifier):
    credit = read_credit(text)
    assert (credit.name, credit.qualifier) == (name, qualifier)


@pytest.mark.parametrize(
    "text", [None, "", "  ", ",", "unknown", "Unknown artist", "Anonymous", "unbekannt", "anonyme", "N/A"]
)
def test_nobody(text):
    assert read_credit(text) is None


def test_each_once_and_in_order():
    credits_ = read_credits(["Ann", "after Bo", "Ann", None, "unknown"], role="contributor")
    assert [(one.name, one.qualifier, one.role) for one in credits_] == [
        ("Ann", None, "contributor"),
        ("Bo", "after", "contributor"),
    ]


@pytest.mark.parametrize("qualifier", QUALIFIERS)
def test_the_catalogues_own_words(qualifier):
    assert read_qualifier(qualifier.title()) == qualifier
    assert read_credit(f"{qualifier} Ann Lee").qualifier == qualifier


@pytest.mark.parametrize(
    ("text", "qualifier"),
    [
        ("Werkstatt", "workshop of"),
        ("d’après", "after"),
        ("?", "attributed to"),
        ("da", "after"),
        ("sort of", None),
        (None, None),
    ],
)
def test_a_qualifier_alone(text, qualifier):
    assert read_qualifier(text) == qualifier


@pytest.mark.parametrize(
    ("text", "source", "expected"),
    [
        ("http://vocab.getty.edu/ulan/500011051", None, "500011051"),
        ("https://vocab.getty.edu/page/ulan/500011051", None, "500011051"),
        (
            "http://www.getty.edu/vow/ULANFullDisplay?find=&role=&nation=&subjectid=500011051",
            None,
            "500011051",
        ),
        ("500011051", "ULAN", "500011051"),
        ("ulan:500011051", "http://vocab.getty.edu/ulan", "500011051"),
        ("500011051", None, None),
        ("500011051", "GND", None),
        ("http://vocab.getty.edu/aat/300015050", None, None),
        ("http://vocab.getty.edu/ulan/5000110519", None, None),
        (None, "ULAN", None),
    ],
)
def test_ulan(text, source, expected):
    assert ulan_id(text, source=source) == expected


@pytest.mark.parametrize(
    ("text", "source", "expected"),
    [
        ("http://www.wikidata.org/entity/Q5598", None, "Q5598"),
        ("https://www.wikidata.org/wiki/Q5598", None, "Q5598"),
        ("q5598", "Wikidata", "Q5598"),
        ("Q5598", None, None),
        ("http://www.wikidata.org/entity/P31", None, None),
        ("http://www.wikidata.org/entity/Q0", None, None),
    ],
)
def test_wikidata(text, source, expected):
    assert wikidata_id(text, source=source) == expected


@settings(deadline=None)
@given(st.text(alphabet=st.characters()) | st.from_regex(r"[a-zA-Z0-9 ,.()\[\]'–?-]{0,80}"))
def test_whatever_is_read_gives_a_name_that_can_be_stored(text):
    credit = read_credit(text)
    if credit is not None:
        assert credit.name == tidy(credit.name)
        assert credit.qualifier is None or credit.qualifier in QUALIFIERS


@pytest.mark.parametrize(
    "text", ["(" * 5000, ", " * 5000, "a " * 50_000, "after " * 5000, "Ann, 1600-" * 500]
)
def test_long_nonsense_is_read_at_once(text):
    read_credit(text)
