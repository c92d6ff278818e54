import io
import re
from base64 import b64decode

from stylesearch.attribution.keys import Signature
from stylesearch.attribution.verifying import check_file, read_report_file

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def test_a_report_on_an_uploaded_image(client, token, query_url):
    digest = query_url.split("=")[1]
    form = {"csrf_token": token(client, query_url), "image": digest, "q": "reuse:open"}
    answer = client.post("/reports", data=form)
    assert answer.status_code == 303
    address = answer.headers["Location"]
    assert re.fullmatch(r"/reports/[\w-]{16,}", address)

    page = client.get(address)
    assert page.status_code == 200
    assert page.headers["Content-Security-Policy"] == POLICY
    assert "not evidence of training use" in page.text
    assert not re.search(r'(?:src|href)="/', page.text)

    download = client.get(f"{address}.json")
    assert download.status_code == 200
    assert download.mimetype == "application/json"
    assert download.headers["Content-Disposition"].startswith("attachment; filename=report-")
    document = download.json["document"]
    assert document["query"]["sha256"] == digest
    assert document["parameters"]["filter"] == "reuse:open"
    assert f"/reports/{document['id']}" == address


def test_a_report_can_be_checked_by_whoever_gets_it(client, token, query_url):
    form = {"csrf_token": token(client, query_url), "image": query_url.split("=")[1]}
    address = client.post("/reports", data=form).headers["Location"]
    told = read_report_file(client.get(f"{address}.json").data)
    signature = Signature.from_bytes(client.get(f"{address}.sig").data)
    keys = {key_id: b64decode(key) for key_id, key in client.get("/reports/keys.json").json.items()}
    assert [check.state for check in check_file(told, signature, keys)] == ["holds"] * 3
    schema = client.get("/reports/schema.json")
    assert schema.mimetype == "application/schema+json"
    assert schema.json["title"].startswith("Attribution report")


def test_a_reports_page_leads_to_its_files(client, token, query_url):
    form = {"csrf_token": token(client, query_url), "image": query_url.split("=")[1]}
    address = client.post("/reports", data=form).headers["Location"]
    page = client.get(address).text
    public_id = address.rpartition("/")[2]
    for name in (f"{public_id}.pdf", f"{public_id}.json", f"{public_id}.sig", "keys.json"):
        assert f'href="{name}"' in page
        assert client.get(f"/reports/{name}").status_code == 200


def test_a_report_as_pdf(client, token, query_url):
    form = {"csrf_token": token(client, query_url), "image": query_url.split("=")[1]}
    address = client.post("/reports", data=form).headers["Location"]
    answer = client.get(f"{address}.pdf")
    assert answer.status_code == 200
    assert answer.mimetype == "application/pdf"
    assert answer.data.startswith(b"%PDF-")


def test_a_report_on_a_work(client, token, catalogue):
    work = catalogue.first_work()
    form = {"csrf_token": token(client, f"/works/{work}"), "work": str(work)}
    answer = client.post("/reports", data=form)
    assert answer.status_code == 303
    told = client.get(f"{answer.headers['Location']}.json").json
    assert told["document"]["query"]["sha256"] == catalogue.digest(work)
    (copy,) = told["document"]["copies"]["exact"]
    assert told["works"][copy["work"]]["work_id"] == work


def test_what_a_report_cannot_be_made_from(client, token, catalogue):
    work = catalogue.first_work()
    sign = token(client)
    assert client.post("/reports", data={"csrf_token": sign}).status_code == 400
    assert client.post("/reports", data={"csrf_token": sign, "work": "999999"}).status_code == 404
    assert client.post("/reports", data={"csrf_token": sign, "image": "0" * 64}).status_code == 404
    wrong = {"csrf_token": sign, "work": str(work), "artits": "X"}
    assert client.post("/reports", data=wrong).status_code == 400
    unknown = {"csrf_token": sign, "work": str(work), "q": 'artist:"Nobody Known"'}
    assert client.post("/reports", data=unknown).status_code == 404
    catalogue.withdraw(work)
    assert client.post("/reports", data={"csrf_token": sign, "work": str(work)}).status_code == 404


def test_a_report_that_is_not_there_is_404(client):
    for address in (
        "/reports/none",
        "/reports/none.json",
        "/reports/none.sig",
        "/reports/none.pdf",
        "/reports/%00",
    ):
        assert client.get(address).status_code == 404


def test_reports_of_a_visit_are_listed_for_nobody_else(client, app, token, catalogue):
    form = {"csrf_token": token(client), "work": str(catalogue.first_work())}
    addresses = [client.post("/reports", data=form).headers["Location"] for _ in range(2)]
    page = client.get("/reports").text
    assert re.findall(r'<a href="(/reports/[\w-]{16,})">', page) == addresses[::-1]
    assert addresses[0] not in app.test_client().get("/reports").text


def test_a_report_is_found_by_its_number_or_address(client, token, catalogue):
    form = {"csrf_token": token(client), "work": str(catalogue.first_work())}
    address = client.post("/reports", data=form).headers["Location"]
    for text in (address, f"https://art.example{address}.pdf", address.rpartition("/")[2], f" {address}/ "):
        assert client.get("/reports/find", query_string={"id": text}).headers["Location"] == address
    for text in ("", "none", "\0", "../keys"):
        assert client.get("/reports/find", query_string={"id": text}).status_code == 404


def test_a_report_is_verified(client, token, catalogue):
    form = {"csrf_token": token(client), "work": str(catalogue.first_work())}
    address = client.post("/reports", data=form).headers["Location"]
    data, signature = client.get(f"{address}.json").data, client.get(f"{address}.sig").data

    def verify(report: bytes, sign: bytes | None):
        files = {"csrf_token": token(client), "report": (io.BytesIO(report), "a.report.json")}
        if sign is not None:
            files["signature"] = (io.BytesIO(sign), "a.report.sig")
        return client.post("/reports/verify", data=files)

    good = verify(data, signature)
    assert good.status_code == 200
    assert "The report holds" in good.text
    assert good.text.count("check-holds") == 4
    changed = verify(data.replace(b'"best_rank":1,', b'"best_rank":2,'), signature)
    assert "does not hold in every point" in changed.text
    assert verify(data, None).text.count("check-fails") == 1
    nothing = (b"", b"{", b"[]", b'{"document": {}, "works": {}}', b"[" * 100_000, b"\xff\xfe", data[:-40])
    for report in nothing:
        assert verify(report, signature).status_code == 400, report[:40]
    bare = b'{"document": {"format": "%s", "version": %d}, "works": {}}'
    found = re.search(rb'"format":"([^"]+)".*?"version":(\d+)', data)
    assert verify(bare % (found[1], int(found[2])), signature).status_code == 400
    assert verify(data, b"no signature").status_code == 400
