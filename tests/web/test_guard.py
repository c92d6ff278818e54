"""Who is let through: visitors, people who have signed in, and programs with a token."""

import pytest
from flask import Blueprint, jsonify

from stylesearch.accounts.tokens import make_token
from stylesearch.accounts.users import find_user
from stylesearch.catalog.access import Access
from stylesearch.catalog.collections import set_visibility
from web.app import create_app
from web.identity import current, require_scope


@pytest.fixture
def token_of(archive, as_role):
    """Make a token of somebody of a role."""

    def make(role: str, *scopes: str) -> str:
        as_role(role)
        with archive.database.session() as session:
            user = find_user(session, f"{role}@example.org")
            return make_token(session, user, label="Test", scopes=scopes, days=1)[1]

    return make


@pytest.fixture
def api(app):
    """The portal with a few addresses for programs."""
    api = Blueprint("api_of_the_test", __name__, url_prefix="/api/v0")

    @api.get("/who")
    def who():
        known = current()
        return jsonify(role=known.role, scopes=sorted(known.scopes or ()), access=known.access)

    @api.post("/search")
    def search():
        return jsonify(role=current().role)

    @api.post("/ingest")
    @require_scope("ingest")
    def ingest():
        return jsonify(ok=True)

    app.register_blueprint(api)
    return app


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_a_program_is_who_its_token_is(api, token_of):
    client = api.test_client()
    assert client.get("/api/v0/who").json == {"role": "visitor", "scopes": [], "access": "everybody"}
    told = client.get("/api/v0/who", headers=bearer(token_of("curator", "read", "ingest"))).json
    assert told == {"role": "curator", "scopes": ["ingest", "read"], "access": "staff"}
    told = client.get("/api/v0/who", headers=bearer(token_of("viewer", "read"))).json
    assert told["access"] == "viewers"


@pytest.mark.parametrize("header", ["Bearer sst_wrong", "bearer x", "Bearer ", "Bearer \x80"])
def test_a_token_that_is_none_is_told(api, header):
    answer = api.test_client().get("/api/v0/who", headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer.content_type == "application/problem+json"
    assert answer.json["code"] == "bad_token"
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_what_a_proxy_asks_for_is_not_ours(api):
    assert api.test_client().get("/api/v0/who", headers={"Authorization": "Basic eDp5"}).status_code == 200


def test_a_token_does_what_it_is_for_and_no_more(api, token_of):
    client = api.test_client()
    reading, ingesting = token_of("curator", "read"), token_of("curator", "ingest")
    assert client.post("/api/v0/ingest", headers=bearer(ingesting)).status_code == 200
    refused = client.post("/api/v0/ingest", headers=bearer(reading))
    assert (refused.status_code, refused.json["code"]) == (403, "scope")
    assert client.get("/api/v0/who", headers=bearer(ingesting)).status_code == 403
    assert client.post("/api/v0/ingest").status_code == 401
    # Pages of people are not for programs, whatever their token may.
    assert client.get("/admin/runs", headers=bearer(token_of("admin", "admin"))).status_code == 403


def test_a_program_needs_no_form_token_and_a_cookie_alone_does_nothing(api, token_of, sign_in, token):
    client = api.test_client()
    assert client.post("/api/v0/search").status_code == 200
    assert client.post("/api/v0/search", headers=bearer(token_of("viewer", "read"))).status_code == 200
    person = sign_in(api.test_client(), "curator")
    assert person.get("/api/v0/who").json["role"] == "curator"
    assert person.post("/api/v0/ingest").status_code == 400
    sign = token(person, "/account")
    assert person.post("/api/v0/ingest", headers={"X-CSRFToken": sign}).status_code == 200


def test_an_unknown_address_of_the_api_is_a_problem_document(api):
    answer = api.test_client().get("/api/v0/nothing")
    assert (answer.status_code, answer.content_type) == (404, "application/problem+json")


@pytest.fixture
def closed(archive):
    """A portal that shows visitors nothing."""
    return create_app(archive.settings.model_copy(update={"web_visitors": False}))


def test_visitors_may_be_kept_out(closed, catalogue, sign_in):
    client = closed.test_client()
    work = catalogue.first_work()
    digest = catalogue.digest(work)
    shut = [
        "/",
        f"/works/{work}",
        f"/search?work={work}",
        f"/media/thumbnails/{digest}.webp",
        "/reports/none",
    ]
    for address in shut:
        assert client.get(address).status_code == 401, address
    for address in ("/login", "/withdrawals", "/healthz", "/static/style.css"):
        answer = client.get(address)
        assert answer.status_code == 200, address
        answer.close()
    assert client.post("/search").status_code == 401
    person = sign_in(closed.test_client(), "viewer")
    for address in shut[:-1]:
        assert person.get(address).status_code == 200, address


def test_what_is_seen_by_signing_in_stays_out_of_shared_stores(archive, client, as_role, catalogue):
    digest = catalogue.digest(catalogue.first_work())
    address = f"/media/thumbnails/{digest}.webp"
    public = client.get(address).headers
    assert "public" in public["Cache-Control"]
    assert "s-maxage=300" in public["Cache-Control"]
    assert "Cookie" in public["Vary"]
    with archive.database.session() as session:
        set_visibility(session, archive.slug if hasattr(archive, "slug") else "drawn", Access.VIEWERS)
    try:
        assert client.get(address).status_code == 404
        private = as_role("viewer").get(address)
        assert private.status_code == 200
        assert "private" in private.headers["Cache-Control"]
        assert "no-cache" in private.headers["Cache-Control"]
        assert "public" not in private.headers["Cache-Control"]
        assert "max-age" not in private.headers["Cache-Control"]
    finally:
        with archive.database.session() as session:
            set_visibility(session, "drawn", Access.EVERYBODY)


def test_a_request_leaves_nobody_behind_who_acts(as_role, app):
    from stylesearch.catalog.audit import acting

    as_role("curator").get("/admin/runs")
    app.test_client().get("/nowhere")
    assert acting().name.endswith("at the command line")
