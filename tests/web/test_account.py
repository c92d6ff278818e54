import re

import pytest

from stylesearch.accounts.tokens import find_bearer
from stylesearch.errors import SignInError


@pytest.fixture
def client(as_role):
    return as_role("viewer")


def test_the_account_is_shown(client):
    page = client.get("/account")
    assert page.status_code == 200
    assert "viewer@example.org" in page.text
    assert "(this one)" in page.text
    assert page.headers["Cache-Control"] == "no-store"
    assert "admin</strong>" not in page.text  # no scope above the role


def test_a_token_is_shown_once_and_revoked(client, token, archive):
    form = {"csrf_token": token(client, "/account"), "label": "Harvester", "scope": "read", "days": "30"}
    made = client.post("/account/tokens", data=form)
    assert made.status_code == 200
    text = re.search(r"sst_[\w-]+", made.text)[0]
    with archive.database.session() as session:
        assert find_bearer(session, text).user.email == "viewer@example.org"
    page = client.get("/account").text
    assert text not in page
    assert text[:10] in page
    number = re.search(r"/account/tokens/(\d+)/revoke", page)[1]
    gone = client.post(
        f"/account/tokens/{number}/revoke",
        data={"csrf_token": token(client, "/account")},
        follow_redirects=True,
    )
    assert "none any more" in gone.text
    with archive.database.session() as session, pytest.raises(SignInError):
        find_bearer(session, text)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"label": ""}, "needs a label"),
        ({"scope": []}, "needs a scope"),
        ({"scope": "admin"}, "not for a viewer"),
        ({"scope": "everything"}, "no scope"),
        ({"days": "many"}, "whole number"),
        ({"days": "99999"}, "whole number"),
    ],
)
def test_a_token_that_cannot_be_made(client, token, wrong, words):
    form = {"csrf_token": token(client, "/account"), "label": "x", "scope": "read", "days": "30"} | wrong
    answer = client.post("/account/tokens", data=form)
    assert answer.status_code == 400
    assert words in answer.text
    assert "new-token" not in answer.text


def test_ones_own_only(client, as_role, token):
    theirs = as_role("curator")
    form = {"csrf_token": token(theirs, "/account"), "label": "Mine", "scope": "read", "days": ""}
    theirs.post("/account/tokens", data=form)
    number = re.search(r"/account/tokens/(\d+)/revoke", theirs.get("/account").text)[1]
    sign = token(client, "/account")
    assert client.post(f"/account/tokens/{number}/revoke", data={"csrf_token": sign}).status_code == 404
    other = as_role("curator")
    session_number = re.search(r"/account/sessions/(\d+)/end", other.get("/account").text)[1]
    assert (
        client.post(f"/account/sessions/{session_number}/end", data={"csrf_token": sign}).status_code == 404
    )


def test_sign_ins_are_ended(client, as_role, token):
    other = as_role("viewer")
    third = as_role("viewer")
    number = max(map(int, re.findall(r"/account/sessions/(\d+)/end", client.get("/account").text)))
    sign = token(client, "/account")
    assert client.post(f"/account/sessions/{number}/end", data={"csrf_token": sign}).status_code == 303
    assert third.get("/account").status_code == 401
    assert other.get("/account").status_code == 200
    assert client.post("/account/sessions/end-others", data={"csrf_token": sign}).status_code == 303
    assert other.get("/account").status_code == 401
    assert client.get("/account").status_code == 200


def test_a_password_is_changed(client, token, as_role):
    other = as_role("viewer")
    first, second = "four quiet herons wade", "another quiet heron"

    def change(**form):
        return client.post("/account/password", data={"csrf_token": token(client, "/account"), **form})

    assert "differ" in change(new_password=first, repeat_password="x").text
    assert change(new_password="short", repeat_password="short").status_code == 400
    assert change(new_password=first, repeat_password=first).status_code == 303  # there was none before
    assert other.get("/account").status_code == 401
    assert client.get("/account").status_code == 200
    wrong = change(password=second, new_password=second, repeat_password=second)
    assert wrong.status_code == 400
    assert "present password" in wrong.text
    assert change(password=first, new_password=second, repeat_password=second).status_code == 303
