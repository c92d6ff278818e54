"""Signing in and out, and setting a password by a link."""

from __future__ import annotations

import logging
from http import HTTPStatus
from urllib.parse import urlsplit

from flask import Blueprint, Flask, Response, g, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response as AnyResponse

from stylesearch.accounts import invitations, sessions
from stylesearch.accounts.users import check_sign_in, find_user
from stylesearch.catalog.audit import Actor, acting_as
from stylesearch.catalog.people import User
from stylesearch.errors import InputError, SignInError
from web import errors
from web.errors import Problem
from web.identity import current, open_to_all
from web.kept import Kept, form_is_ours, send_again
from web.rates import limited
from web.services import services

sign_in = Blueprint("sign_in", __name__)
log = logging.getLogger(__name__)


def register(app: Flask) -> None:
    """Let an app ask who is there."""
    app.register_blueprint(sign_in)
    app.register_error_handler(SignInError, _ask)


@sign_in.get("/login")
@open_to_all
def form() -> AnyResponse:
    """Show the form."""
    if current().user_id is not None:
        return redirect(local(request.args.get("next", "")))
    return _form(next_=request.args.get("next", ""))


@sign_in.post("/login")
@open_to_all
@limited("login")
def enter() -> AnyResponse:
    """Sign somebody in, and lead on to where they wanted to go, or to the form that they were about to send."""
    email = request.form.get("email", "")
    services().rates.take("login", f"account:{email.strip().casefold()}")
    with services().database.session() as database:
        try:
            user = check_sign_in(database, email, request.form.get("password", ""))
        except SignInError:
            log.warning("a try to sign in failed, from %s", request.remote_addr)
            raise
    begin(user)
    kept = Kept.read(request.form.get("kept", ""))
    if kept is not None:
        return send_again(kept)
    return redirect(local(request.form.get("next", "")), HTTPStatus.SEE_OTHER)


@sign_in.post("/logout")
@open_to_all
def leave() -> AnyResponse:
    """Sign out."""
    known = current()
    if known.user_id is not None and known.session_id is not None:
        with services().database.session() as database:
            sessions.end(database, known.session_id, find_user(database, known.user_id))
    session.clear()
    g.login_cookie = ""
    response = redirect(url_for("portal.home"), HTTPStatus.SEE_OTHER)
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


@sign_in.get("/invitations/<text>")
@open_to_all
def invitation(text: str) -> AnyResponse:
    """Ask for a password."""
    return _invitation(text)


@sign_in.post("/invitations/<text>")
@open_to_all
@limited("login")
def accept(text: str) -> AnyResponse:
    """Set a password, and sign in with it."""
    password = request.form.get("new_password", "")
    try:
        if password != request.form.get("repeat_password", ""):
            raise InputError("The two passwords differ.", hint="Type it twice.", code="password")
        with services().database.session() as database:
            user = invitations.invited(database, text)
            with acting_as(Actor(f"{user.name} <{user.email}>", user.id)):
                invitations.accept(database, text, password)
    except InputError as error:
        return _invitation(text, problem=error)
    begin(user)
    return redirect(url_for("account.shown"), HTTPStatus.SEE_OTHER)


def begin(user: User) -> None:
    """Sign a user in with this response. Nothing of the visit before goes on: not its form tokens, not its sign-in."""
    known = current()
    with (
        acting_as(Actor(f"{user.name} <{user.email}>", user.id)),
        services().database.session() as database,
    ):
        if known.user_id is not None and known.session_id is not None:
            sessions.end(database, known.session_id, find_user(database, known.user_id))
        _, token = sessions.begin(database, user, agent=request.headers.get("User-Agent", ""))
    session.clear()
    g.login_cookie = token


def _invitation(text: str, problem: InputError | None = None) -> Response:
    with services().database.session() as database:
        user = invitations.invited(database, text)
    page = render_template("invitation.html", user=user, problem=problem)
    return _unkept(page, errors.status_of(problem) if problem else HTTPStatus.OK)


def _form(
    *, next_: str, kept: str = "", problem: SignInError | None = None, status: int = HTTPStatus.OK
) -> Response:
    page = render_template(
        "sign_in.html",
        next=next_,
        kept=kept,
        email=request.form.get("email", "") if request.endpoint == "sign_in.enter" else "",
        problem=problem,
        provider=services().settings.oidc_label if services().settings.oidc_issuer else None,
    )
    return _unkept(page, status)


def _unkept(page: str, status: int) -> Response:
    response = Response(page, status=status)
    response.headers["Cache-Control"] = "no-store"
    return response


def _ask(error: SignInError) -> Response:
    """Answer a request whose sender has to be known: a page asks, and keeps what was typed."""
    problem = Problem(HTTPStatus.UNAUTHORIZED, error.message, error.hint, error.code)
    if not errors.wants_page() or error.code in ("bad_token", "provider"):
        return errors.answer(problem)
    if request.endpoint == "sign_in.enter":
        next_, kept = request.form.get("next", ""), request.form.get("kept", "")
    elif request.method == "GET":
        next_, kept = request.full_path.rstrip("?"), ""
    else:
        form = Kept.of_request() if form_is_ours() else None
        next_, kept = "", form.sealed() if form else ""
    response = _form(next_=next_, kept=kept, problem=error, status=HTTPStatus.UNAUTHORIZED)
    response.headers["WWW-Authenticate"] = 'Bearer realm="stylesearch"'
    return response


def local(address: str) -> str:
    """Return a path of this site; home for whatever leads elsewhere."""
    parts = urlsplit(address)
    inside = address.startswith("/") and not address.startswith(("//", "/\\"))
    clean = not any(ord(char) < 0x21 for char in address)
    if not (inside and clean) or parts.scheme or parts.netloc:
        return url_for("portal.home")
    return address
