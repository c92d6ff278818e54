import pytest
from flask import Flask
from werkzeug.datastructures import MultiDict
from werkzeug.urls import iri_to_uri

from stylesearch.errors import InputError
from stylesearch.search.examples import (
    ArtistExample,
    FileExample,
    ImageExample,
    Region,
    WordsExample,
    WorkExample,
)
from stylesearch.search.grammar import parse
from web.query_string import SearchAddress, of_a_form, read_written, written

DIGEST = "ab" * 32
FIVE = (WorkExample(5),)


@pytest.fixture(autouse=True)
def _routes():
    app = Flask(__name__)
    app.add_url_rule("/search", "portal.results", lambda: "")
    app.add_url_rule("/map", "stylemap.show", lambda: "")
    with app.test_request_context():
        yield


LINES = [
    "",
    'artist:"Ann & Co" OR artist:Ännchen',
    '-artist:"x=y" license:http://creativecommons.org/licenses/by/4.0/',
    'collection:a-b medium:"ink, paper" year:-50..1900',
    '(keyword:cat OR text:"say \\"hello\\"") -reuse:open map:3@0,10,2000,50',
]
EXAMPLES = [
    (FileExample(DIGEST),),
    (FileExample(DIGEST, Region(1, 2, 30, 40)), WorkExample(7, against=True)),
    (WorkExample(5), WorkExample(6, weight=2.0), ImageExample(31, Region(0, 0, 9, 9), against=True)),
    (ArtistExample("Ännchen & Co: @5"), WordsExample("storm at sea^2")),
]


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("examples", EXAMPLES)
def test_an_address_survives_being_read_and_written(line, examples):
    address = SearchAddress(examples, where=parse(line), k=48, per_artist=2, sort="oldest")
    assert read(address.url) == address
    place = address.query.page_after(0.5, 12).after
    assert read(address.page_after(str(place)).url).query.after == place


@pytest.mark.parametrize("example", [one for several in EXAMPLES for one in several])
def test_an_example_survives_being_read_and_written(example):
    assert read_written(written(example), against=example.against) == example


def test_a_list_has_pages_and_no_ranking():
    address = SearchAddress(where=parse("cat"), sort="newest", page=3)
    assert address.url == "/search?q=text%3Acat&sort=newest&page=3"
    assert read(address.url) == address
    assert address.filtered(parse("dog")).page == 1
    assert SearchAddress().url == "/search"
    assert SearchAddress(sort="style").sort == "title"


def read(url: str) -> SearchAddress:
    app = Flask(__name__)
    with app.test_request_context(iri_to_uri(url)) as context:
        return SearchAddress.read(context.request.args)


def test_what_is_usual_is_left_out():
    assert SearchAddress(FIVE).url == "/search?work=5"
    assert SearchAddress(FIVE, k=48).url == "/search?work=5&k=48"
    assert SearchAddress(FIVE, sort="style").url == "/search?work=5"
    assert SearchAddress(FIVE, where=parse("reuse:open")).url == "/search?work=5&q=reuse%3Aopen"
    assert SearchAddress(FIVE).to("stylemap.show") == "/map?work=5"


def test_the_boxes_of_a_form_make_a_filter():
    values = MultiDict(
        [
            ("work", "5"), ("q", "boats OR -type:print"), ("reuse", "open"), ("reuse", "unknown"), ("artist", "A"), ("artist", " B "),
            ("artist", ""), ("artist_not", "C"), ("medium", "ink"), ("keyword", "cat"), ("keyword", "sea"), ("year_from", "1880"),
            ("year_to", ""), ("collection", "c"), ("license", "CC0-1.0"), ("movement", "m"), ("period", "p"), ("type", "t"),
        ]
    )  # fmt: skip
    assert of_a_form(values)
    assert SearchAddress.read(values).where == parse(
        "(boats OR -type:print) (reuse:open OR reuse:unknown) (artist:A OR artist:B) -artist:C medium:ink keyword:cat"
        " keyword:sea year:1880.. collection:c license:CC0-1.0 movement:m period:p type:t"
    )
    assert not of_a_form(MultiDict([("work", "5"), ("q", "boats"), ("k", "5"), ("after", "x")]))


def test_another_filter_starts_at_the_top():
    address = SearchAddress(FIVE, where=parse("cat"), k=96, after="1_2_0123456789ab")
    assert address.filtered(parse("dog")) == SearchAddress(FIVE, where=parse("dog"))
    assert address.unfiltered().url == "/search?work=5"
    assert address.of_work(7).url == "/search?work=7&q=text%3Acat"


def test_an_example_is_on_one_side_only():
    address = SearchAddress(FIVE)
    against = WorkExample(5, against=True)
    assert address.adding(against).examples == (against,)
    two = address.adding(WorkExample(6))
    assert two.url == "/search?work=5&work=6"
    assert two.adding(WorkExample(6)) == two
    assert two.without(WorkExample(5)).url == "/search?work=6"
    assert two.replacing(WorkExample(6), against).url == "/search?work=5&unlike=work%3A5"


@pytest.mark.parametrize(
    ("q", "code"),
    [
        ("artits:x", "unknown_filter"),
        ("year:soon", "bad_year"),
        ("(a", "filter_syntax"),
        ("map:x", "bad_region"),
    ],
)
def test_a_filter_that_cannot_be_read_is_told(q, code):
    with pytest.raises(InputError) as caught:
        SearchAddress.read(MultiDict([("work", "5"), ("q", q)]))
    assert caught.value.code == code
    assert "^" in caught.value.detail


@pytest.mark.parametrize("text", ["1.5", "١٢", "+5", "0x10", "1e3", "5 5"])
def test_whole_numbers_are_plain_digits(text):
    with pytest.raises(InputError) as caught:
        SearchAddress.read(MultiDict([("work", text)]))
    assert caught.value.code == "bad_parameter"
