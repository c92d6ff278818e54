import json

import pytest
from sqlalchemy import text

from stylesearch.catalog.cards import card_of_work, cards_of_images
from stylesearch.catalog.records import Credit


def card(toy, work):
    (image_id,) = toy.write(work).values()
    with toy.database.session() as session:
        return cards_of_images(session, [image_id])[image_id]


def test_a_card_says_who_what_when_and_under_which_rights(toy, make_work):
    found = card(
        toy,
        make_work(
            "a",
            title="Barn",
            credits=(Credit("Ann"), Credit("Bo", qualifier="after")),
            date_text="c. 1890",
            keywords=("x", "y"),
            source_url="https://example.org/a",
            work_rights="CC0-1.0",
            image_rights="CC-BY-4.0",
        ),
    )
    assert found.artists == ("Ann", "after Bo")
    assert found.artist_names == ("Ann", "Bo")
    assert found.artist_text == "Ann, after Bo"
    assert (found.collection, found.collection_title) == ("toys", "Toys")
    assert found.keywords == ("x", "y")
    assert found.source_url == "https://example.org/a"
    assert (found.work_rights.reuse, found.work_rights.spdx_id) == ("open", "CC0-1.0")
    assert found.image_rights.uri == "http://creativecommons.org/licenses/by/4.0/"
    assert found.credit_line == "Ann, after Bo, “Barn”, c. 1890. Toys. Creative Commons Attribution 4.0."


def test_a_bare_work_has_a_card_too(toy, make_work):
    found = card(toy, make_work("a", title="Barn"))
    assert found.artist_text == "Unknown artist"
    assert found.image_rights.reuse == "unknown"
    assert found.image_rights.uri is None
    assert found.credit_line == "Unknown artist, “Barn”. Toys. Rights not stated."


def test_rights_without_a_word_of_ours_are_shown_as_stated(toy, make_work):
    found = card(toy, make_work("a", work_rights="© A museum", image_rights="ask us"))
    assert (found.work_rights.label, found.work_rights.reuse) == ("© A museum", "unknown")
    assert (found.image_rights.label, found.image_rights.reuse) == ("ask us", "unknown")


def test_the_credit_line_of_the_source_wins(toy, make_work):
    assert card(toy, make_work("a", credit_line="Gift of the makers")).credit_line == "Gift of the makers"


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "//evil.example", " http://x", ""]
)
def test_an_address_that_is_no_web_address_is_dropped(toy, make_work, url):
    assert card(toy, make_work("a", source_url=url)).source_url is None


def test_json_keeps_where_the_file_is_to_itself(toy, make_work):
    values = card(toy, make_work("a", credits=(Credit("Ann"),))).to_json()
    assert json.loads(json.dumps(values))["artists"] == ["Ann"]
    assert "storage_key" not in values
    assert set(values["image_rights"]) == {"label", "uri", "reuse", "spdx_id"}


def test_withdrawn_works_have_no_card(toy, make_work):
    written = toy.write(make_work("a"), make_work("b"))
    ids = dict(toy.rows("SELECT source_id, id FROM work"))
    with toy.database.session() as session:
        session.execute(text("UPDATE work SET withdrawn_at = now() WHERE source_id = 'a'"))
    with toy.database.session() as session:
        assert set(cards_of_images(session, written.values())) == {written["b"]}
        assert card_of_work(session, ids["a"]) is None
        assert card_of_work(session, ids["b"]).image_id == written["b"]
        assert card_of_work(session, 10**9) is None
        assert cards_of_images(session, []) == {}
