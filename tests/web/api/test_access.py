def test_a_token_that_is_not_known_is_refused_everywhere(api):
    for address in ("works", "search?like=work:1", "collections", "openapi.json", ""):
        answer = api.get(address, headers={"Authorization": "Bearer nonsense"})
        assert (answer.status_code, answer.json["code"]) == (401, "bad_token")
        assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


def test_what_takes_a_token_says_so(api):
    answer = api.get("ingest/runs")
    assert (answer.status_code, answer.json["code"]) == (401, "no_token")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    body = {"kind": "iiif", "url": "https://example.org/", "collection": "x"}
    api.refused("ingest/runs", 401, "no_token", method="POST", json=body)
    api.refused("collections/drawn", 401, "no_token", method="PATCH", json={"title": "x"})


def test_runs_are_for_those_at_the_machine_alone(staff):
    assert staff.told("ingest/runs")["items"]
    answer = staff.client.get("/api/v1/ingest/runs", environ_base={"REMOTE_ADDR": "192.0.2.1"})
    assert answer.status_code == 401
    answer = staff.client.get("/api/v1/ingest/runs", headers={"Host": "archive.example"})
    assert answer.status_code == 401


def test_no_form_token_is_asked_for(client, catalogue):
    answer = client.post("/api/v1/search", json={"examples": [{"work": catalogue.first_work()}]})
    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers
