import json

import pytest

from stylesearch.attribution.schema import report_schema


@pytest.fixture(scope="module")
def made() -> dict:
    return {}


@pytest.fixture
def report(api, picture, made) -> dict:
    """One report for all tests of this file: making one takes a while."""
    if not made:
        sent = api.post("files", data=picture(), content_type="image/png").json
        body = {"file": sent["file"], "name": "red.png", "where": "reuse:open OR has:image"}
        answer = api.post("reports", json=body)
        assert answer.status_code == 201, answer.text
        assert answer.headers["Location"] == answer.json["links"]["url"]
        made.update(answer.json, file=sent["file"])
    return made


def test_a_report_is_made_and_handed_out(api, report, client):
    answer = api.get(report["links"]["url"])
    document = answer.json["document"]
    assert document["query"] == document["query"] | {"name": "red.png", "sha256": report["file"]}
    assert document["parameters"]["filter"] == "reuse:open OR has:image"
    assert document["record"]["gallery"]["digest"] == report["gallery"]
    again = api.get(report["links"]["url"], headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304
    assert client.get(report["links"]["page"]).status_code == 200
    pdf = api.get(report["links"]["pdf"])
    assert pdf.data.startswith(b"%PDF-")
    page = api.get(f"reports/{report['report_id']}/html")
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert json.loads(api.get("reports/schema").data) == json.loads(report_schema())


def test_a_report_is_checked_again(api, report):
    file = api.get(report["links"]["url"]).text
    signature = api.get(report["links"]["signature"]).text
    verdict = api.post("reports/check", json={"file": file, "signature": signature}).json
    assert verdict["holds"] is True
    assert {check["name"]: check["state"] for check in verdict["checks"]} == dict.fromkeys(
        ["form", "signature", "works", "gallery"], "holds"
    )
    changed = file.replace("red.png", "led.png")
    verdict = api.post("reports/check", json={"file": changed, "signature": signature}).json
    assert verdict["holds"] is False
    assert api.post("reports/check", json={"file": file}).json["holds"] is False
    for text in ("{}", "", "nonsense", "[" * 100_000):
        api.refused("reports/check", 400, "not_a_report", method="POST", json={"file": text})
    for text in ("{}", "[" * 100_000):
        bad = {"file": file, "signature": text}
        api.refused("reports/check", 400, "not_a_signature", method="POST", json=bad)


def test_a_report_on_a_work_masks_it_when_it_is_withdrawn(api, catalogue):
    work = catalogue.first_work()
    made = api.post("reports", json={"work": work}).json
    told = api.told(made["links"]["url"])
    assert work in [one["work_id"] for one in told["works"].values()]
    catalogue.withdraw(work)
    masked = api.told(made["links"]["url"])
    assert {"withdrawn": True} in masked["works"].values()
    api.refused("reports", 404, "unknown_work", method="POST", json={"work": work})


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "no_example"),
        ({"work": 1, "file": "0" * 64}, 400, "no_example"),
        ({"work": 999999}, 404, "unknown_work"),
        ({"file": "0" * 64}, 404, "query_expired"),
        ({"file": "../../etc/passwd"}, 400, "bad_body"),
        ({"file": "0" * 64, "name": "x" * 201}, 400, "bad_body"),
        ({"work": 1, "where": "artits:x"}, 400, "unknown_filter"),
        ({"work": 1, "title": "x"}, 400, "bad_body"),
    ],
)
def test_what_no_report_is_made_on(api, catalogue, body, status, code):
    if body.get("work") == 1:
        body = body | {"work": catalogue.first_work()}
    api.refused("reports", status, code, method="POST", json=body)


def test_reports_are_listed_to_administrators(with_token, report):
    admin = with_token("admin")
    listed = list(admin.every("reports?limit=1"))
    assert report["report_id"] in [one["report_id"] for one in listed]
    assert len({one["report_id"] for one in listed}) == len(listed)
    admin.refused("reports?after=none", 400, "bad_cursor")


def test_reports_are_listed_to_nobody_without_a_token(api):
    problem = api.refused("reports", 401, "sign_in")
    assert "Bearer" in problem["hint"]
    for address in (
        "reports/none",
        "reports/none/signature",
        "reports/none/pdf",
        "reports/none/html",
        "reports/%00",
    ):
        api.refused(address, 404, "unknown_report")
