import pytest

from stylesearch.catalog.collections import ensure_collection, find_collection, license_named
from stylesearch.errors import InputError, NotFoundError


def test_makes_a_collection_and_brings_it_up_to_date(database):
    with database.session() as session:
        first = ensure_collection(session, "open-clip-art")
        assert (first.title, first.provider, first.default_license_id) == ("open-clip-art", None, None)
        first_id = first.id
    with database.session() as session:
        ensure_collection(session, "open-clip-art", title="Open Clip Art", default_license="CC0-1.0")
    with database.session() as session:
        again = ensure_collection(session, "open-clip-art", provider="A library")
        assert (again.id, again.title, again.provider) == (first_id, "Open Clip Art", "A library")
        assert again.default_license_id == license_named(session, "cc0").id


@pytest.mark.parametrize("slug", ["", "Upper", "two words", "-a", "a-", "a--b", "a_b", "é", "a/b", "a\n"])
def test_a_bad_slug_is_refused(shared, slug):
    with pytest.raises(InputError) as caught, shared.session() as session:
        ensure_collection(session, slug)
    assert caught.value.code == "collection_slug"


def test_an_unknown_collection_names_those_there_are(database):
    with database.session() as session:
        with pytest.raises(NotFoundError, match="none yet"):
            find_collection(session, "x")
        ensure_collection(session, "b")
        ensure_collection(session, "a")
        with pytest.raises(NotFoundError, match="a, b") as caught:
            find_collection(session, "x")
    assert caught.value.code == "unknown_collection"


def test_an_unknown_license_is_refused(shared):
    with shared.session() as session, pytest.raises(InputError) as caught:
        license_named(session, "all rights reserved")
    assert caught.value.code == "unknown_license"
