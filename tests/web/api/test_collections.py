import pytest
from flask import Flask

from stylesearch.catalog.people import AuditEvent
from stylesearch.wire.collections import CollectionChange
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
    from web.api.answers import etag_of

    tag = etag_of(now.model_dump_json().encode())
    with app.test_request_context(headers={"If-Match": f'"{tag}"'}):
        check_unchanged(now)
    with app.test_request_context(headers={"If-Match": "*"}):
        check_unchanged(now)
    for headers, status in (({}, 428), ({"If-Match": '"other"'}, 412), ({"If-Match": f'W/"{tag}"'}, 412)):
        with app.test_request_context(headers=headers), pytest.raises(RefusedError) as caught:
            check_unchanged(now)
        assert caught.value.status == status


def test_a_change_is_written_down(database):
    from sqlalchemy import select

    from stylesearch.catalog.collections import change_collection, ensure_collection

    with database.session() as session:
        ensure_collection(session, "toys", title="Toys")
    with database.session() as session:
        change_collection(session, "toys", title="Dolls", provider="A museum", visibility="staff")
        change_collection(session, "toys", title="Dolls")
    with database.session() as session:
        events = [
            (event.action, event.detail)
            for event in session.scalars(select(AuditEvent).order_by(AuditEvent.id))
        ]
    assert events == [
        (
            "collection.change",
            {
                "before": {"title": "Toys", "provider": None},
                "after": {"title": "Dolls", "provider": "A museum"},
            },
        ),
        ("collection.visibility", {"before": "everybody", "after": "staff"}),
    ]
