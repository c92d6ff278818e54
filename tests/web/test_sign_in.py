"""Signing in and out, as a browser does it."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from sqlalchemy import delete, select, update

from stylesearch.accounts.invitations import invite
from stylesearch.accounts.roles import Role
from stylesearch.accounts.users import add_user, change_user, find_user
from stylesearch.catalog.audit import AuditEvent
from stylesearch.catalog.people import LoginSession, User
from web.app import create_app

PASSWORD = "four quiet herons wade"
COOKIE = "stylesearch_login"


@pytest.fixture
def ann(archive):
    with archive.database.session() as session:
        user = add_user(
            session, email="ann@example.org", name="Ann <b>", role=Role.CURATOR, password=PASSWORD
        )
    yield user
    with archive.database.session() as session:
        session.execute(delete(User).where(User.email == "ann@example.org"))


@pytest.fixture
def enter(client, token):
    def send(password=PASSWORD, email="ann@example.org", **more):
        form = {"csrf_token": token(client, "/login"), "email": email, "password": password, **more}
        return client.post("/login", data=form)

    return send


def test_somebody_signs_in_and_out(client, ann, enter, token):
    assert "Sign in" in client.get("/").text
    answer = enter()
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    cookie = answer.headers.getlist("Set-Cookie")
    mine = next(one for one in cookie if one.startswith(COOKIE))
    assert "HttpOnly" in mine
    assert "SameSite=Lax" in mine
    home = client.get("/").text
    assert "Ann &lt;b&gt;" in home
    assert "Sign out" in home
    answer = client.post("/logout", data={"csrf_token": token(client)})
    assert answer.status_code == 303
    assert answer.headers["Clear-Site-Data"] == '"cache"'
    assert client.get_cookie(COOKIE) is None
    assert "Sign out" not in client.get("/").text


def test_a_wrong_password_says_so_and_keeps_the_address(client, ann, enter):
    answer = enter("wrong")
    assert answer.status_code == 401
    assert "do not belong together" in answer.text
    assert 'value="ann@example.org"' in answer.text
    assert "wrong" not in answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert client.get_cookie(COOKIE) is None


def test_signing_in_makes_a_new_visit(client, ann, enter, token):
    before = token(client, "/login")
    client.set_cookie(COOKIE, "planted")
    enter()
    first = client.get_cookie(COOKIE).value
    assert first != "planted"
    assert client.post("/logout", data={"csrf_token": before}).status_code == 400  # of the visit before
    again = client.post(
        "/login", data={"csrf_token": token(client), "email": ann.email, "password": PASSWORD}
    )
    assert again.status_code == 303
    second = client.get_cookie(COOKIE).value
    assert second != first
    client.set_cookie(COOKIE, first)
    assert "Sign out" not in client.get("/").text  # the one before has ended


@pytest.mark.parametrize(
    ("wanted", "there"),
    [
        ("/works/1?x=1", "/works/1?x=1"),
        ("//evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example/", "/"),
        ("/a\nb", "/"),
        ("javascript:alert(1)", "/"),
        ("", "/"),
    ],
)
def test_it_leads_on_within_this_site_only(ann, enter, client, wanted, there):
    assert enter(next=wanted).headers["Location"] == there
    assert client.get("/login", query_string={"next": wanted}).headers["Location"] == there


def test_a_page_that_asks_who_is_there_leads_back_to_itself(client, ann):
    page = client.get("/admin/runs?before=7")
    assert page.status_code == 401
    assert page.headers["WWW-Authenticate"].startswith("Bearer")
    fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.text))
    assert fields["next"] == "/admin/runs?before=7"
    fields = {name: unescape(value) for name, value in fields.items()}
    answer = client.post("/login", data={**fields, "email": ann.email, "password": PASSWORD})
    assert answer.headers["Location"] == "/admin/runs?before=7"
    assert client.get(answer.headers["Location"]).status_code == 200


def test_who_may_not_is_told_so(as_role):
    page = as_role("viewer").get("/admin/runs")
    assert page.status_code == 403
    assert "You are a viewer; it takes a curator." in page.text
    document = as_role("curator").get("/admin/users", headers={"Accept": "application/json"})
    assert (document.status_code, document.json["code"]) == (403, "denied")


def expire(archive) -> None:
    with archive.database.session() as session:
        session.execute(update(LoginSession).values(expires_at=datetime.now(UTC) - timedelta(seconds=1)))


def test_a_form_that_is_sent_when_the_sign_in_has_ended_is_kept(client, archive, ann, enter, token):
    """What was typed is there again after signing in, and is sent only when its writer says so."""
    enter()
    sign = token(client, "/account")
    expire(archive)
    typed = {"csrf_token": sign, "label": 'Harvester "<b>" €', "scope": ["read", "report"], "days": "30"}
    asked = client.post("/account/tokens", data=typed)
    assert asked.status_code == 401
    assert "signed out" in asked.text
    assert "What you typed is kept" in asked.text
    fields = {
        name: unescape(value)
        for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', asked.text)
    }
    again = client.post("/login", data={**fields, "email": ann.email, "password": PASSWORD})
    assert again.status_code == 200
    assert "Harvester &#34;&lt;b&gt;&#34; €" in again.text
    assert "Nothing has been changed so far" in again.text
    path = re.search(r'action="(/account/tokens)"', again.text)
    assert path
    sent = [
        (name, unescape(value))
        for name, value in re.findall(
            r'type="hidden" name="(\w+)" value="([^"]*)"', again.text.split(path[0])[1]
        )
    ]
    assert [one for one in sent if one[0] == "scope"] == [("scope", "read"), ("scope", "report")]
    done = client.post("/account/tokens", data={name: [v for n, v in sent if n == name] for name, _ in sent})
    assert done.status_code == 200
    assert "sst_" in done.text


def test_passwords_are_not_kept(client, archive, ann, enter, token):
    enter()
    sign = token(client, "/account")
    expire(archive)
    form = {"csrf_token": sign, "password": PASSWORD, "new_password": "another quiet heron"}
    asked = client.post("/account/password", data=form)
    assert asked.status_code == 401
    kept = re.search(r'name="kept" value="([^"]*)"', asked.text)
    from web.kept import Kept

    with client.application.test_request_context():
        assert kept is None or Kept.read(unescape(kept[1])).fields == ()


def test_what_we_did_not_seal_is_no_kept_form(ann, enter):
    answer = enter(kept="eyJhIjoxfQ.forged")
    assert answer.status_code == 303


def test_another_sites_form_is_not_kept(client, archive, ann, enter):
    enter()
    expire(archive)
    asked = client.post("/account/tokens", data={"label": "planted", "csrf_token": "wrong"})
    assert asked.status_code == 401
    assert 'name="kept"' not in asked.text


def test_a_program_is_not_led_to_a_form(client):
    answer = client.get("/admin/runs", headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json["code"]) == (401, "sign_in")


def test_a_disabled_user_is_out_with_the_next_request(client, archive, ann, enter):
    enter()
    assert client.get("/admin/runs").status_code == 200
    with archive.database.session() as session:
        change_user(session, ann.id, disabled=True)
    assert client.get("/admin/runs").status_code == 401
    assert enter().status_code == 401


def test_a_link_sets_a_password_and_signs_in(client, archive, ann, token):
    with archive.database.session() as session:
        link = invite(session, find_user(session, ann.id))
    address = f"/invitations/{link}"
    page = client.get(address)
    assert page.status_code == 200
    assert page.headers["Cache-Control"] == "no-store"
    new = "another quiet heron"
    for wrong, words in (
        ({"new_password": new, "repeat_password": "x"}, "differ"),
        ({"new_password": "short", "repeat_password": "short"}, "too short"),
    ):
        answer = client.post(address, data={"csrf_token": token(client, address), **wrong})
        assert answer.status_code == 400
        assert words in answer.text
    form = {"csrf_token": token(client, address), "new_password": new, "repeat_password": new}
    assert client.post(address, data=form).headers["Location"] == "/account"
    assert client.get("/account").status_code == 200
    assert client.get(address).status_code == 404
    with archive.database.session() as session:
        rows = session.scalars(
            select(AuditEvent.actor).where(
                AuditEvent.action == "user.password", AuditEvent.subject == "user:ann@example.org"
            )
        )
        assert rows.all()[-1] == "Ann <b> <ann@example.org>"


def test_the_token_of_a_visit_changes_and_the_browser_gets_the_new_one(client, archive, ann, enter):
    enter()
    first = client.get_cookie(COOKIE).value
    with archive.database.session() as session:
        session.execute(update(LoginSession).values(rotated_at=datetime.now(UTC) - timedelta(hours=2)))
    assert client.get("/account").status_code == 200
    second = client.get_cookie(COOKIE).value
    assert second != first
    assert client.get("/account").status_code == 200


def test_behind_tls_the_cookie_is_for_this_host_alone(archive, ann, token):
    app = create_app(archive.settings.model_copy(update={"web_trusted_proxy": "127.0.0.1"}))
    client = app.test_client()
    over_tls = {"base_url": "https://localhost"}
    page = client.get("/login", **over_tls).text
    sign = unescape(re.search(r'name="csrf_token" value="([^"]+)"', page)[1])
    form = {"csrf_token": sign, "email": ann.email, "password": PASSWORD}
    answer = client.post("/login", data=form, headers={"Referer": "https://localhost/login"}, **over_tls)
    assert answer.status_code == 303
    (mine,) = [one for one in answer.headers.getlist("Set-Cookie") if "login" in one]
    assert mine.startswith("__Host-stylesearch_login=")
    assert "Secure" in mine
    assert "Path=/" in mine
    assert "Domain" not in mine
