"""Signing in with an OpenID provider: a small one of our own, which does the real thing over HTTP."""

import base64
import hashlib
import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey
from pydantic import SecretStr
from sqlalchemy import delete

from stylesearch.accounts.roles import Role
from stylesearch.accounts.users import add_user
from stylesearch.catalog.people import User
from stylesearch.errors import ServiceError
from web.app import create_app

SECRET = "of-the-portal"
PERSON = {"sub": "7", "email": "ann@example.org", "email_verified": True, "name": "Ann"}


class Provider:
    """Hands out codes, and ID tokens for them; whoever is sent to it is Ann."""

    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, parameters={"kid": "one", "use": "sig", "alg": "RS256"})
        self.signing = self.key
        self.person: dict[str, object] = dict(PERSON)
        self.audience = "portal"
        self.nonce: str | None = None
        self.asked: dict[str, dict[str, str]] = {}
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_args) -> None:
                pass

            def do_GET(self) -> None:
                answers = {
                    "/.well-known/openid-configuration": provider.configuration,
                    "/keys": lambda: {"keys": [provider.key.as_dict(private=False)]},
                }
                self.reply(answers[urlsplit(self.path).path]())

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                form = {name: values[0] for name, values in parse_qs(body).items()}
                basic = base64.b64decode(self.headers["Authorization"].split()[1]).decode()
                self.reply(*provider.exchange(form, basic))

            def reply(self, body: object, status: int = 200) -> None:
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def configuration(self) -> dict[str, object]:
        return {
            "issuer": self.address,
            "authorization_endpoint": f"{self.address}/authorize",
            "token_endpoint": f"{self.address}/token",
            "jwks_uri": f"{self.address}/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        }

    def authorise(self, location: str) -> str:
        """Do what the provider's own page does; return where it sends the browser."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
        assert location.startswith(f"{self.address}/authorize")
        assert asked["response_type"] == "code"
        assert "openid" in asked["scope"].split()
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe()
        self.asked[code] = asked
        target = urlsplit(asked["redirect_uri"])
        return f"{target.path}?{urlencode({'code': code, 'state': asked['state']})}"

    def exchange(self, form: dict[str, str], basic: str) -> tuple[object, int]:
        asked = self.asked.pop(form["code"], None)
        challenge = hashlib.sha256(form["code_verifier"].encode()).digest()
        if asked is None or basic != f"portal:{SECRET}":
            return {"error": "invalid_grant"}, 400
        assert base64.urlsafe_b64encode(challenge).rstrip(b"=").decode() == asked["code_challenge"]
        now = int(time.time())
        claims = {
            "iss": self.address,
            "aud": self.audience,
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"] if self.nonce is None else self.nonce,
            **self.person,
        }
        token = jwt.encode({"alg": "RS256", "kid": "one"}, claims, self.signing)
        return {"access_token": "x", "token_type": "Bearer", "expires_in": 300, "id_token": token}, 200


@pytest.fixture
def provider():
    found = Provider()
    yield found
    found.server.shutdown()
    found.server.server_close()


@pytest.fixture
def settings_of(archive, provider):
    def make(**more):
        return archive.settings.model_copy(
            update={
                "oidc_issuer": provider.address,
                "oidc_client_id": "portal",
                "oidc_client_secret": SecretStr(SECRET),
                **more,
            }
        )

    return make


@pytest.fixture
def client(settings_of):
    return create_app(settings_of()).test_client()


@pytest.fixture
def ann(archive):
    with archive.database.session() as session:
        user = add_user(session, email="ann@example.org", name="Ann", role=Role.CURATOR)
    yield user
    with archive.database.session() as session:
        session.execute(delete(User).where(User.email == "ann@example.org"))


def enter(client, provider, next_="/admin/runs"):
    sent = client.get("/login/provider", query_string={"next": next_})
    assert sent.status_code == 302
    return client.get(provider.authorise(sent.headers["Location"]))


def test_somebody_signs_in_with_the_provider(client, provider, ann):
    assert "Sign in with your organisation" in client.get("/login").text
    back = enter(client, provider)
    assert (back.status_code, back.headers["Location"]) == (303, "/admin/runs")
    assert client.get("/admin/runs").status_code == 200
    assert enter(client, provider, "//evil.example").headers["Location"] == "/"


def test_the_provider_knows_them_by_its_own_id_from_then_on(client, provider, ann):
    enter(client, provider)
    provider.person["email"] = "renamed@example.org"
    assert enter(client, provider).status_code == 303
    provider.person = {**PERSON, "sub": "8"}
    assert enter(client, provider).status_code == 403


def test_strangers_come_in_where_the_settings_say_so(client, provider, settings_of, archive):
    refused = enter(client, provider)
    assert refused.status_code == 403
    assert "this archive does not" in refused.text
    inviting = create_app(settings_of(oidc_role="viewer")).test_client()
    try:
        assert enter(inviting, provider, "/account").status_code == 303
        assert "Your role here: viewer" in inviting.get("/account").text
    finally:
        with archive.database.session() as session:
            session.execute(delete(User).where(User.email == "ann@example.org"))


def test_an_address_that_the_provider_has_not_checked_counts_for_nothing(client, provider, ann):
    provider.person["email_verified"] = False
    assert enter(client, provider).status_code == 403


@pytest.mark.parametrize("what", ["key", "audience", "nonce", "expired"])
def test_an_answer_that_is_forged_or_stale_is_refused(client, provider, ann, what):
    if what == "key":
        provider.signing = RSAKey.generate_key(2048, parameters={"kid": "one", "use": "sig", "alg": "RS256"})
    elif what == "audience":
        provider.audience = "another"
    elif what == "nonce":
        provider.nonce = "of another visit"
    else:
        provider.person |= {"exp": 1000, "iat": 900}
    answer = enter(client, provider)
    assert answer.status_code == 401
    assert "does not belong to your visit" in answer.text
    assert client.get("/admin/runs").status_code == 401


def test_an_answer_that_belongs_to_another_visit_is_refused(client, provider, ann, settings_of):
    sent = client.get("/login/provider")
    theirs = provider.authorise(sent.headers["Location"])
    victim = create_app(settings_of()).test_client()
    assert victim.get(theirs).status_code == 401
    assert victim.get("/login/provider/back?error=access_denied&state=x").status_code == 401
    assert victim.get("/admin/runs").status_code == 401


def test_a_provider_that_is_away_is_said_to_be(settings_of, ann):
    client = create_app(settings_of(oidc_issuer="http://127.0.0.1:1")).test_client()
    answer = client.get("/login/provider")
    assert answer.status_code == 503
    assert "cannot be reached" in answer.text


def test_without_a_provider_there_is_none(archive):
    client = create_app(archive.settings).test_client()
    assert client.get("/login/provider").status_code == 404
    assert "organisation" not in client.get("/login").text


def test_half_of_the_settings_is_not_enough(settings_of):
    with pytest.raises(ServiceError) as caught:
        create_app(settings_of(oidc_client_secret=None))
    assert caught.value.code == "setting"
