import re

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
    assert download.json["query"]["sha256"] == digest
    assert download.json["parameters"]["filter"] == "reuse:open"
    assert f"/reports/{download.json['id']}" == address


def test_a_report_on_a_work(client, token, catalogue):
    work = catalogue.first_work()
    form = {"csrf_token": token(client, f"/works/{work}"), "work": str(work)}
    answer = client.post("/reports", data=form)
    assert answer.status_code == 303
    document = client.get(f"{answer.headers['Location']}.json").json
    assert document["query"]["sha256"] == catalogue.digest(work)
    assert [one["work_id"] for one in document["copies"]["exact"]] == [work]


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
    for address in ("/reports/none", "/reports/none.json", "/reports/%00"):
        assert client.get(address).status_code == 404
