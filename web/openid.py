"""Signing in with an OpenID provider: authorisation code with PKCE, state and nonce, checked by Authlib."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Flask, abort, redirect, request, session, url_for
from werkzeug.wrappers import Response as AnyResponse

from stylesearch.accounts.providers import Claims, user_of
from stylesearch.errors import ServiceError, SignInError
from stylesearch.settings import Settings
from web.identity import open_to_all
from web.rates import limited
from web.services import services
from web.sign_in import begin, local

EXTENSION = "stylesearch-openid"
TIMEOUT_SECONDS = 10
NEXT = "after_provider"

openid = Blueprint("openid", __name__, url_prefix="/login/provider")
log = logging.getLogger(__name__)


def register(app: Flask, settings: Settings) -> None:
    """Let an app send people to its provider, if the settings name one.

    Raises
    ------
    ServiceError
        If a setting or the library is missing.
    """
    app.register_blueprint(openid)
    if not settings.oidc_issuer:
        return
    secret = settings.oidc_client_secret.get_secret_value() if settings.oidc_client_secret else ""
    if not settings.oidc_client_id or not secret:
        raise ServiceError(
            "An OpenID provider is named, and nothing to sign in with.",
            hint="Set STYLESEARCH_OIDC_CLIENT_ID and STYLESEARCH_OIDC_CLIENT_SECRET.",
            code="setting",
        )
    try:
        from authlib.integrations.flask_client import OAuth
    except ImportError:
        raise ServiceError(
            "Signing in with an OpenID provider needs more packages.",
            hint="pip install 'stylesearch[oidc]'",
            code="extra_missing",
        ) from None
    issuer = settings.oidc_issuer.rstrip("/")
    app.extensions[EXTENSION] = OAuth(app).register(
        name="provider",
        server_metadata_url=f"{issuer}/.well-known/openid-configuration",
        client_id=settings.oidc_client_id,
        client_secret=secret,
        client_kwargs={
            "scope": "openid email profile",
            "code_challenge_method": "S256",
            "default_timeout": TIMEOUT_SECONDS,
        },
    )


@openid.get("")
@open_to_all
@limited("login")
def start() -> AnyResponse:
    """Send somebody to the provider."""
    provider = _provider()
    session[NEXT] = request.args.get("next", "")[:2000]
    try:
        sent: AnyResponse = provider.authorize_redirect(url_for("openid.back", _external=True))
    except Exception as error:
        raise _away(error) from error
    return sent


@openid.get("/back")
@open_to_all
@limited("login")
def back() -> AnyResponse:
    """Take somebody who comes back from the provider."""
    from authlib.common.errors import AuthlibBaseError
    from joserfc.errors import JoseError

    provider = _provider()
    next_ = session.get(NEXT, "")
    try:
        token = provider.authorize_access_token()
    except (AuthlibBaseError, JoseError) as error:
        log.warning("an OpenID sign-in failed: %s", error)
        raise _refused("The provider’s answer does not belong to your visit, or it refused.") from error
    except Exception as error:
        raise _away(error) from error
    told: dict[str, Any] = dict(token.get("userinfo") or {})
    claims = Claims.read(told)
    if claims.issuer.rstrip("/") != (services().settings.oidc_issuer or "").rstrip("/"):
        raise _refused("The answer comes from another provider.")
    with services().database.session() as database:
        user = user_of(database, claims, role=services().settings.oidc_role)
    begin(user)
    return redirect(local(next_), HTTPStatus.SEE_OTHER)


def _provider() -> Any:
    from flask import current_app

    found = current_app.extensions.get(EXTENSION)
    if found is None:
        abort(HTTPStatus.NOT_FOUND)
    return found


def _refused(words: str) -> SignInError:
    return SignInError(words, hint="Begin again from the page for signing in.", code="provider")


def _away(error: Exception) -> ServiceError:
    log.warning("the OpenID provider cannot be used: %s: %s", type(error).__name__, error)
    return ServiceError(
        "The provider that people sign in with cannot be reached, or does not answer as it should.",
        hint="Try again in a while, or sign in with a password.",
        code="provider_unreachable",
    )
