import io
import stat

import pytest
from pydantic import SecretStr

from stylesearch.errors import ServiceError
from web.app import create_app
from web.security import secret_key


def test_every_answer_has_a_policy_and_is_not_sniffed(client, query_url, catalogue):
    work = catalogue.first_work()
    digest = catalogue.digest(work)
    addresses = [
        "/", query_url, f"/works/{work}", "/healthz", "/nowhere", "/search", "/static/style.css", "/static/none.css",
        f"/media/thumbnails/{digest}.webp", f"/media/originals/{digest}", "/media/none", "/reports/none",
    ]  # fmt: skip
    for address in addresses:
        answer = client.get(address)
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'"), address
        assert answer.headers["X-Content-Type-Options"] == "nosniff", address
        assert answer.headers["Referrer-Policy"] == "same-origin", address
        answer.close()
    policy = client.get("/").headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "http" not in policy
    assert client.post("/search").headers["Content-Security-Policy"] == policy


@pytest.mark.parametrize("address", ["/search", "/reports"])
def test_a_form_without_its_token_is_refused(client, catalogue, picture, address):
    data = {"work": str(catalogue.first_work()), "image": (io.BytesIO(picture()), "p.png")}
    answer = client.post(address, data=data)
    assert answer.status_code == 400
    assert "send the form once more" in answer.text


def test_a_token_of_another_visit_is_refused(app, token, picture):
    theirs = token(app.test_client())
    client = app.test_client()
    token(client)
    answer = client.post("/search", data={"csrf_token": theirs, "image": (io.BytesIO(picture()), "p.png")})
    assert answer.status_code == 400


def test_the_cookie_is_kept_from_scripts_and_other_sites(client):
    cookie = client.get("/").headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie


def test_pages_with_a_token_stay_out_of_shared_stores(client):
    answer = client.get("/")
    assert "private" in answer.headers["Cache-Control"]
    assert "Cookie" in answer.vary


def test_behind_a_proxy_the_cookie_goes_over_tls_only(archive):
    settings = archive.settings.model_copy(update={"web_trusted_proxy": "10.0.0.1"})
    client = create_app(settings).test_client()
    assert "Secure" in client.get("/").headers["Set-Cookie"]


@pytest.mark.parametrize(("sender", "believed"), [("10.0.0.1", True), ("10.0.0.2", False)])
def test_only_the_proxy_is_believed(archive, sender, believed):
    settings = archive.settings.model_copy(update={"web_trusted_proxy": "10.0.0.1"})
    app = create_app(settings)
    seen = []

    @app.before_request
    def look():
        from flask import request

        seen.append((request.remote_addr, request.scheme, request.host))

    headers = {
        "X-Forwarded-For": "203.0.113.9",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "art.example",
    }
    app.test_client().get("/healthz", headers=headers, environ_base={"REMOTE_ADDR": sender})
    assert seen == [("203.0.113.9", "https", "art.example") if believed else (sender, "http", "localhost")]


def test_without_a_proxy_nobody_is_believed(app):
    from flask import request

    with app.test_request_context("/", headers={"X-Forwarded-Proto": "https"}):
        assert request.scheme == "http"


def test_the_key_is_made_once_and_kept_private(settings):
    first = secret_key(settings)
    assert len(first) == 64
    assert secret_key(settings) == first
    path = settings.home / "web_secret_key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in settings.home.iterdir()] == ["web_secret_key"]


def test_a_key_that_is_set_is_used_and_not_written(settings):
    chosen = settings.model_copy(update={"web_secret_key": SecretStr("chosen")})
    assert secret_key(chosen) == "chosen"
    assert not (settings.home / "web_secret_key").exists()


def test_a_key_that_cannot_be_kept_is_explained(settings, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ServiceError) as caught:
        secret_key(settings.model_copy(update={"home": tmp_path / "file" / "home"}))
    assert caught.value.code == "secret_key"


def test_sessions_outlive_a_restart(archive, token, picture):
    client = create_app(archive.settings).test_client()
    sign = token(client)
    again = create_app(archive.settings).test_client()
    cookie = client.get_cookie("stylesearch_session")
    assert cookie is not None
    again.set_cookie("stylesearch_session", cookie.value)
    answer = again.post("/search", data={"csrf_token": sign, "image": (io.BytesIO(picture()), "p.png")})
    assert answer.status_code == 303


def test_a_form_whose_visit_has_ended_can_be_sent_once_more(client, catalogue):
    work = str(catalogue.first_work())
    form = {"csrf_token": "of a visit long ago", "work": work, "q": "reuse:open <b>"}
    ours = {"Origin": "http://localhost"}
    answer = client.post("/reports", data=form, headers=ours)
    assert answer.status_code == 400
    again = answer.text.split("<main")[1]
    assert f'<input type="hidden" name="work" value="{work}">' in again
    assert "&lt;b&gt;" in again
    assert "of a visit long ago" not in again
    foreign = client.post("/reports", data=form, headers={"Origin": "https://evil.example"})
    assert 'name="work"' not in foreign.text
    secret = client.post("/reports", data=form | {"password": "hush"}, headers=ours)
    assert "hush" not in secret.text
