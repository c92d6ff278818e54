import pytest
from flask import Flask

from stylesearch.catalog.access import Access
from stylesearch.catalog.collections import change_collection
from stylesearch.wire.collections import CollectionChange
from web.api.answers import etag_of
from web.api.preconditions import check_unchanged
from web.api.problems import RefusedError


def test_collections_are_listed(api):
    page = api.told("collections")
    (collection,) = page["items"]
    assert (page["total"], page["next"]) == (1, None)
    assert collection == api.told(collection["links"]["url"])
    assert (collection["slug"], collection["title"], collection["works"]) == (
        "drawn",
        "Drawn by stylesearch",
        30,
    )
    assert collection["source_url"] is None, "a folder of this machine is nobody's business"
    assert api.told(collection["links"]["works"])["total"] == 30
    assert api.told(collection["links"]["manifests"])["type"] == "Collection"
    assert api.told("collections?after=drawn")["items"] == []
    api.refused("collections/none", 404, "unknown_collection")


def test_a_change_must_say_what_it_was_made_from(app: Flask):
    now = CollectionChange(title="Now")
    tag = etag_of(now.model_dump_json().encode())
    with app.test_request_context(headers={"If-Match": f'"{tag}"'}):
        check_unchanged(now)
    with app.test_request_context(headers={"If-Match": "*"}):
        check_unchanged(now)
    for headers, status in (({}, 428), ({"If-Match": '"other"'}, 412), ({"If-Match": f'W/"{tag}"'}, 412)):
        with app.test_request_context(headers=headers), pytest.raises(RefusedError) as caught:
            check_unchanged(now)
        assert caught.value.status == status


def test_a_collection_is_changed_as_it_was_seen(with_token, api, archive):
    admin = with_token("admin")
    tag = api.get("collections/drawn").headers["ETag"]
    admin.refused("collections/drawn", 428, "no_precondition", method="PATCH", json={"title": "Drawings"})
    try:
        changed = admin.open(
            "PATCH", "collections/drawn", json={"title": "Drawings"}, headers={"If-Match": tag}
        )
        assert (changed.status_code, changed.json["title"]) == (200, "Drawings")
        assert changed.headers["ETag"] == api.get("collections/drawn").headers["ETag"] != tag
        stale = {"json": {"visibility": "staff"}, "headers": {"If-Match": tag}}
        admin.refused("collections/drawn", 412, "stale", method="PATCH", **stale)
        assert api.told("collections/drawn")["visibility"] == "everybody"
        headers = {"If-Match": changed.headers["ETag"]}
        hidden = admin.open("PATCH", "collections/drawn", json={"visibility": "viewers"}, headers=headers)
        assert hidden.json["visibility"] == "viewers"
        api.refused("collections/drawn", 404, "unknown_collection")
        wrong = {"json": {"visibility": "nobody"}, "headers": {"If-Match": "*"}}
        admin.refused("collections/drawn", 400, "bad_body", method="PATCH", **wrong)
        gone = {"json": {"title": "x"}, "headers": {"If-Match": "*"}}
        admin.refused("collections/none", 404, "unknown_collection", method="PATCH", **gone)
    finally:
        with archive.database.session() as session:
            change_collection(session, "drawn", title="Drawn by stylesearch", visibility=Access.EVERYBODY)
