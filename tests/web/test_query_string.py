import pytest
from flask import Flask
from werkzeug.datastructures import MultiDict
from werkzeug.urls import iri_to_uri

from stylesearch.errors import InputError
from stylesearch.search.query import Filters
from web.query_string import SearchAddress

DIGEST = "ab" * 32


@pytest.fixture(autouse=True)
def _routes():
    app = Flask(__name__)
    app.add_url_rule("/search", "portal.results", lambda: "")
    with app.test_request_context():
        yield


def test_an_address_survives_being_read_and_written():
    filters = Filters.of(
        artist=["Ann & Co", "Ännchen"],
        artist_not=["x=y"],
        reuse=["open"],
        license=["http://creativecommons.org/licenses/by/4.0/"],
        collection=["a-b"],
        medium=["ink, paper"],
        keyword=["cat"],
        year_from=-50,
        year_to=1900,
    )
    address = SearchAddress(image=DIGEST, filters=filters, k=48)
    app = Flask(__name__)
    with app.test_request_context(iri_to_uri(address.url)) as context:
        assert SearchAddress.read(context.request.args) == address


def test_the_usual_number_of_results_is_left_out():
    assert SearchAddress(work=5).url == "/search?work=5"
    assert SearchAddress(work=5, k=48).url == "/search?work=5&k=48"


def test_taking_one_value_back_leaves_the_others_and_starts_at_the_top():
    address = SearchAddress(work=5, filters=Filters.of(artist=["A", "B"], year_to=1900), k=96)
    assert address.without("artist", "A").url == "/search?work=5&artist=B&year_to=1900"
    assert address.without("year_to", "1900").url == "/search?work=5&artist=A&artist=B"
    assert address.unfiltered().url == "/search?work=5"


def test_equal_values_count_once():
    values = MultiDict([("work", "5"), ("artist", "A"), ("artist", " A "), ("artist", "")])
    assert SearchAddress.read(values).filters.artist == ("A",)


@pytest.mark.parametrize("text", ["1.5", "١٢", "+5", "0x10", "1e3", "5 5"])
def test_whole_numbers_are_plain_digits(text):
    with pytest.raises(InputError) as caught:
        SearchAddress.read(MultiDict([("work", text)]))
    assert caught.value.code == "bad_parameter"
