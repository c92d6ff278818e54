import pytest

from stylesearch.accounts.roles import SCOPES
from stylesearch.catalog.access import Access
from stylesearch.catalog.collections import set_visibility
from web.api.parts import PARTS

OPERATIONS = [one for part in PARTS for one in part.found]


def test_a_token_that_is_not_known_is_refused_everywhere(api):
    for address in ("works", "search?like=work:1", "collections", "openapi.json", ""):
        answer = api.get(address, headers={"Authorization": "Bearer nonsense"})
        assert (answer.status_code, answer.json["code"]) == (401, "bad_token")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_what_takes_a_token_says_so(api):
    answer = api.get("ingest/runs")
    assert (answer.status_code, answer.json["code"]) == (401, "sign_in")
    assert "Bearer" in answer.json["hint"]
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    body = {"kind": "iiif", "url": "https://example.org/", "collection": "x"}
    api.refused("ingest/runs", 401, "sign_in", method="POST", json=body)
    api.refused("collections/drawn", 401, "sign_in", method="PATCH", json={"title": "x"})


def test_a_token_is_good_for_its_scope_only(with_token):
    for scope in SCOPES:
        client = with_token(scope)
        assert client.get("reports").status_code == (200 if scope == "admin" else 403)
        assert client.get("ingest/runs").status_code == (200 if scope == "ingest" else 403)
        assert client.get("works").status_code == (200 if scope == "read" else 403)
        assert client.get("openapi.json").status_code == 200


def test_tokens_see_what_their_users_see(api, with_token, archive, catalogue):
    work = catalogue.first_work()
    reader, curator = with_token("read"), with_token("ingest")
    with archive.database.session() as session:
        set_visibility(session, "drawn", Access.STAFF)
    try:
        api.refused(f"works/{work}", 404, "unknown_work")
        assert reader.told(f"works/{work}")["work_id"] == work
        assert reader.told(f"search?like=work:{work}&k=2")["results"]
        assert reader.told("collections")["items"][0]["visibility"] == "staff"
        assert reader.told("artists")["total"] > 0
        assert b"<record>" in reader.get("oai?verb=ListRecords&metadataPrefix=oai_dc").data
        assert len(reader.get("works?format=jsonl").text.splitlines()) == 30
        assert reader.told(f"works/{work}/manifest")["type"] == "Manifest"
        assert curator.told("ingest/runs")["items"][0]["collection"] == "drawn"
    finally:
        with archive.database.session() as session:
            set_visibility(session, "drawn", Access.EVERYBODY)


def test_where_visitors_are_kept_out_the_api_keeps_them_out(with_settings, tokens):
    closed = with_settings(web_visitors=False)
    closed.refused("works", 401, "sign_in")
    assert closed.get("openapi.json").status_code == 200
    reader = {"Authorization": f"Bearer {tokens['read']}"}
    assert closed.get("works", headers=reader).status_code == 200


def test_requests_are_counted(with_settings):
    api = with_settings(rate_api="2/minute")
    assert [api.get("works").status_code for _ in range(2)] == [200, 200]
    answer = api.get("works")
    assert (answer.status_code, answer.json["code"]) == (429, "too_many")
    assert int(answer.headers["Retry-After"]) > 0


def test_no_form_token_is_asked_for_where_no_cookie_comes(client, catalogue):
    answer = client.post("/api/v1/search", json={"examples": [{"work": catalogue.first_work()}]})
    assert answer.status_code == 200


def test_a_cookie_alone_changes_nothing(as_role):
    client = as_role("admin")
    assert client.get("/api/v1/ingest/runs").status_code == 200
    answer = client.patch("/api/v1/collections/drawn", json={"title": "x"}, headers={"If-Match": "*"})
    assert (answer.status_code, answer.mimetype) == (400, "application/problem+json")
    assert answer.json["code"] == "csrf"


@pytest.mark.parametrize("one", OPERATIONS, ids=lambda one: one.name)
def test_every_operation_has_a_scope_that_there_is(one):
    assert one.scope is None or one.scope in SCOPES
