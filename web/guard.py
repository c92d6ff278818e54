"""Before each request: find out who asks, whether they may, and whether the form they send is ours."""

from __future__ import annotations

from flask import Flask, Response, current_app, g, request

from stylesearch.accounts import sessions
from stylesearch.accounts.roles import Role
from stylesearch.accounts.tokens import find_bearer
from stylesearch.catalog.audit import Actor, acting_as
from stylesearch.catalog.people import User
from stylesearch.errors import DeniedError, SignInError
from stylesearch.settings import Settings
from web.identity import VISITOR, Identity, current, demand_of, is_api
from web.rates import RATE, who_asks
from web.security import csrf
from web.services import services

UNASKED = frozenset(["static", "health.healthz", "metrics.show"])
"""Endpoints that are the same for everybody, and answer without the database."""

SHARED_SECONDS = 300
"""For so long, shared stores may keep a public picture: so soon a withdrawal reaches them."""

SAFE_METHODS = frozenset(["GET", "HEAD", "OPTIONS", "TRACE"])
NOT_EVERYTHING = "This page is for people who may do more than you."


def guard(app: Flask, settings: Settings) -> None:
    """Have an app look at who asks."""
    app.config["WTF_CSRF_CHECK_DEFAULT"] = False  # it is checked below, when it is known who asks
    app.before_request(_identify)
    app.before_request(_admit)
    app.after_request(_answer)
    app.teardown_request(_forget)
    app.config["LOGIN_COOKIE"] = "stylesearch_login"
    if settings.web_trusted_proxy is not None:
        app.config["LOGIN_COOKIE"] = "__Host-stylesearch_login"  # which no neighbouring site can set


def _identify() -> None:
    g.identity = VISITOR
    if request.endpoint in UNASKED:
        return
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    cookie = request.cookies.get(current_app.config["LOGIN_COOKIE"])
    if scheme.lower() == "bearer":
        with services().database.session() as session:
            bearer = find_bearer(session, token.strip())
        g.identity = _identity(bearer.user, scopes=bearer.scopes)
    elif cookie:
        with services().database.session() as session:
            found = sessions.find(session, cookie)
        if found is None:
            g.login_cookie = ""
            g.signed_out = True
        else:
            g.identity = _identity(found.user, session_id=found.session_id)
            g.login_cookie = found.token
    known = current()
    actor = Actor(f"{known.name} <{known.email}>", known.user_id) if known.user_id else Actor("a visitor")
    g.acting = acting_as(actor)
    g.acting.__enter__()


def _identity(user: User, *, scopes: frozenset[str] | None = None, session_id: int | None = None) -> Identity:
    return Identity(Role(user.role), user.id, user.name, user.email, scopes, session_id)


def _admit() -> None:
    """Let a request through, or say why not."""
    if request.endpoint is None or request.endpoint in UNASKED:
        return
    view = current_app.view_functions[request.endpoint]
    demand = demand_of(view)
    if not demand.open:
        role = demand.role
        if role is Role.VISITOR and not services().settings.web_visitors:
            role = Role.VIEWER
        _check(role, demand.scope)
    if request.method not in SAFE_METHODS:
        _check_form()
    rate = getattr(view, RATE, "api" if is_api() else None)
    if rate is not None:
        services().rates.take(rate, who_asks())


def _check(role: Role, scope: str | None) -> None:
    known = current()
    if known.may(role, scope):
        return
    if known.by_token:
        raise DeniedError(
            "This token is not for that.",
            hint=f"It takes the scope {scope}." if scope else "This page is for people, not for programs.",
            code="scope",
        )
    if known.user_id is None:
        ended = g.get("signed_out", False)
        raise SignInError(
            "You have been signed out, since nothing was done for a while." if ended else "Sign in to go on.",
            code="signed_out" if ended else "sign_in",
        )
    raise DeniedError(NOT_EVERYTHING, hint=f"You are a {known.role}; it takes a {role}.", code="denied")


def _check_form() -> None:
    """Refuse a form that another site has made: who comes with a cookie, or as a browser does, shows our token."""
    if current().by_token:
        return
    if is_api() and current().session_id is None:
        return  # nothing comes along by itself that another site could make use of
    csrf.protect()


def _answer(response: Response) -> Response:
    cookie = g.get("login_cookie")
    if cookie is not None:
        put_cookie(response, cookie)
    if request.endpoint == "static":
        return response
    response.vary.update(("Cookie", "Authorization"))
    if not response.cache_control.public:
        return response
    if current() is VISITOR:
        response.cache_control.s_maxage = SHARED_SECONDS
    else:
        # What one may see by signing in stays out of shared stores, and is asked for again each time.
        response.cache_control.public = False
        response.cache_control.private = True
        response.cache_control.max_age = None
        response.cache_control.no_cache = True
    return response


def put_cookie(response: Response, token: str) -> None:
    """Have a browser keep the token of a sign-in; or drop it, where it is empty."""
    secure = current_app.config["SESSION_COOKIE_SECURE"]
    name = current_app.config["LOGIN_COOKIE"]
    keep = {"path": "/", "secure": secure, "httponly": True, "samesite": "Lax"}
    if token:
        response.set_cookie(name, token, max_age=sessions.LASTS, **keep)
    else:
        response.delete_cookie(name, **keep)


def _forget(_error: BaseException | None) -> None:
    acting = g.pop("acting", None)
    if acting is not None:
        acting.__exit__(None, None, None)
