import csv
import io

import pytest

from stylesearch.catalog.runs import IngestItem, IngestRun
from stylesearch.ingest.run import Into


def test_runs_and_their_items(api, staff, run_id):
    (run,) = staff.told("ingest/runs")["items"]
    again = staff.told(f"ingest/runs/{run_id}")
    assert {name for name in run if run[name] != again[name]} <= {"prepared_rate", "described_rate"}
    assert (run["run_id"], run["state"], run["collection"]) == (run_id, "finished", "drawn")
    assert run["counts"]["ingested"] == 30
    items = list(staff.every(run["items"] + "?limit=7"))
    assert len(items) == run["counts"]["discovered"]
    work = next(item["work"] for item in items if item["state"] == "ingested")
    assert api.told(work)["source_id"] in [item["source_id"] for item in items]
    assert staff.told(f"{run['items']}?state=ingested")["total"] == 30
    assert staff.told(f"{run['items']}?state=quarantined")["items"] == []


def test_what_went_wrong_is_listed_and_tried_again(staff, archive, run_id):
    with archive.database.session() as session:
        item = session.scalars(
            __import__("sqlalchemy").select(IngestItem).where(IngestItem.run_id == run_id)
        ).first()
        item_id, before = item.id, (item.state, item.source_id)
        item.state, item.error_code, item.error_text = "quarantined", "image_truncated", "=Cut off."
    try:
        address = f"ingest/runs/{run_id}/items?state=quarantined"
        (told,) = staff.told(address)["items"]
        assert (told["item_id"], told["error_code"], told["source_id"]) == (
            item_id,
            "image_truncated",
            before[1],
        )
        assert staff.told(f"{address}&code=image_empty")["items"] == []
        (row,) = csv.DictReader(io.StringIO(staff.get(f"{address}&format=csv").text))
        assert row["error_text"] == "'=Cut off."
        answer = staff.post(f"ingest/runs/{run_id}/retry")
        assert answer.json["opened"] == 1
        assert answer.json["run"]["state"] == "running"
    finally:
        with archive.database.session() as session:
            item = session.get_one(IngestItem, item_id)
            item.state, item.error_code, item.error_text = before[0], None, None
            session.get_one(IngestRun, run_id).state = "finished"


def test_runs_that_are_not_there(staff):
    for address in ("ingest/runs/999999", "ingest/runs/999999/items"):
        staff.refused(address, 404, "unknown_run")
    staff.refused("ingest/runs/999999/retry", 404, "unknown_run", method="POST")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "bad_body"),
        ({"kind": "folder", "url": "/etc", "collection": "x"}, 400, "bad_body"),
        ({"kind": "iiif", "url": "ftp://example.org/", "collection": "x"}, 400, "address_invalid"),
        ({"kind": "iiif", "url": "file:///etc/passwd", "collection": "x"}, 400, "address_invalid"),
        ({"kind": "iiif", "url": "https://example.org/", "collection": "No Slug"}, 400, "bad_body"),
        (
            {"kind": "iiif", "url": "https://example.org/", "collection": "x", "license": "none"},
            400,
            "unknown_license",
        ),
        ({"kind": "iiif", "url": "https://example.org/", "collection": "x", "side": 1}, 400, "bad_body"),
    ],
)
def test_runs_that_cannot_be_begun(api, staff, body, status, code):
    staff.refused("ingest/runs", status, code, method="POST", json=body)
    assert [one["slug"] for one in api.told("collections")["items"]] == ["drawn"]


def test_into_is_made_of_what_is_sent():
    assert Into("x").title is None
