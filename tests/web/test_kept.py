"""Forms that carry no token of this visit, though our own page has sent them."""

import re
from html import unescape

FORM = {"label": "A long text that took an hour", "scope": ["read", "report"], "days": "30"}


def test_our_own_page_gets_back_what_was_typed_with_a_new_token(as_role):
    client = as_role("viewer")
    client.get("/account")
    answer = client.post(
        "/account/tokens", data={"csrf_token": "stale", **FORM}, headers={"Sec-Fetch-Site": "same-origin"}
    )
    assert answer.status_code == 400
    assert "took an hour" in answer.text
    form = answer.text[answer.text.index('action="/account/tokens"') :]
    fields = [(name, unescape(value)) for name, value in re.findall(r'name="(\w+)" value="([^"]*)"', form)]
    data = {name: [value for other, value in fields if other == name] for name, _ in fields}
    assert data["scope"] == ["read", "report"]
    assert client.post("/account/tokens", data=data).status_code == 200


def test_an_old_browser_says_its_origin(as_role):
    client = as_role("viewer")
    for origin, kept in (("http://localhost", True), ("http://evil.example", False), ("null", False)):
        answer = client.post("/account/tokens", data=FORM, headers={"Origin": origin})
        assert answer.status_code == 400
        assert ("took an hour" in answer.text) == kept


def test_other_sites_get_nothing_prepared(as_role):
    client = as_role("viewer")
    for site in ("cross-site", "same-site", "none"):
        answer = client.post(
            "/account/tokens",
            data=FORM,
            headers={"Sec-Fetch-Site": site, "Origin": "http://localhost"},
        )
        assert answer.status_code == 400
        assert "took an hour" not in answer.text


def test_a_huge_form_is_not_kept(as_role):
    client = as_role("viewer")
    answer = client.post(
        "/account/tokens", data={"label": "x" * 100_000}, headers={"Sec-Fetch-Site": "same-origin"}
    )
    assert answer.status_code == 400
    assert len(answer.text) < 50_000
