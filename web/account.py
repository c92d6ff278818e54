"""The page of one's own account: password, sign-ins, tokens."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from stylesearch.accounts import sessions
from stylesearch.accounts.passwords import SHORTEST, is_password
from stylesearch.accounts.roles import SCOPES, Role
from stylesearch.accounts.tokens import list_tokens, make_token, revoke_token
from stylesearch.accounts.users import find_user, set_password
from stylesearch.catalog.people import User
from stylesearch.errors import InputError, NotFoundError, StylesearchError
from stylesearch.search.examples import LARGEST_ID
from web import errors
from web.forms import whole
from web.identity import current, require
from web.rates import limited
from web.services import services
from web.sign_in import begin

account = Blueprint("account", __name__, url_prefix="/account")
NUMBER = f"int(max={LARGEST_ID}):number"


@account.get("")
@require("viewer")
def shown() -> Response:
    """Show it."""
    return _page()


@account.post("/password")
@require("viewer")
@limited("login")
def password() -> AnyResponse:
    """Change the password; every sign-in but this one ends."""
    new = request.form.get("new_password", "")
    with services().database.session() as database:
        user = _user(database)
        try:
            if user.password_hash is not None and not is_password(
                request.form.get("password", ""), user.password_hash
            ):
                raise InputError(
                    "The present password is another one.", hint="Type it again.", code="password"
                )
            if new != request.form.get("repeat_password", ""):
                raise InputError("The two new passwords differ.", hint="Type it twice.", code="password")
            set_password(database, user, new)
        except InputError as error:
            return _page(problem=error)
    begin(user)
    flash("The password is changed. All other sign-ins have ended.")
    return _back()


@account.post(f"/sessions/<{NUMBER}>/end")
@require("viewer")
def end(number: int) -> AnyResponse:
    """End a sign-in."""
    with services().database.session() as database:
        if not sessions.end(database, number, _user(database)):
            raise NotFoundError("This sign-in has ended already.", code="unknown_session")
    flash("That sign-in has ended.")
    return _back()


@account.post("/sessions/end-others")
@require("viewer")
def end_others() -> AnyResponse:
    """End all sign-ins but this one."""
    with services().database.session() as database:
        sessions.end_others(database, _user(database), kept=current().session_id)
    flash("All other sign-ins have ended.")
    return _back()


@account.post("/tokens")
@require("viewer")
def make() -> AnyResponse:
    """Make a token, and show it this once."""
    try:
        days = whole("days", 1, 3650) if request.form.get("days") else None
        with services().database.session() as database:
            _, text = make_token(
                database,
                _user(database),
                label=request.form.get("label", ""),
                scopes=request.form.getlist("scope"),
                days=days,
            )
    except InputError as error:
        return _page(problem=error)
    return _page(made=text)


@account.post(f"/tokens/<{NUMBER}>/revoke")
@require("viewer")
def revoke(number: int) -> AnyResponse:
    """Revoke one of one's own tokens."""
    with services().database.session() as database:
        revoke_token(database, number, user_id=current().user_id)
    flash("The token is none any more.")
    return _back()


def _page(*, problem: StylesearchError | None = None, made: str | None = None) -> Response:
    with services().database.session() as database:
        user = _user(database)
        role = Role(user.role)
        page = render_template(
            "account.html",
            user=user,
            sessions=sessions.of_user(database, user.id),
            this=current().session_id,
            tokens=[token for token, _ in list_tokens(database, user.id)],
            scopes={name: words for name, (least, words) in SCOPES.items() if role.covers(least)},
            shortest=SHORTEST,
            problem=problem,
            made=made,
        )
    status = errors.status_of(problem) if problem is not None else HTTPStatus.OK
    response = Response(page, status=status)
    response.headers["Cache-Control"] = "no-store"
    return response


def _user(database: Session) -> User:
    found = current().user_id
    assert found is not None, "the page is for viewers and above"
    return find_user(database, found)


def _back() -> AnyResponse:
    return redirect(url_for("account.shown"), HTTPStatus.SEE_OTHER)
