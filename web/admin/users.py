"""Users: adding them, what they may, and letting go of them."""

from __future__ import annotations

from flask import Response, render_template, request, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response as AnyResponse

from stylesearch.accounts import invitations
from stylesearch.accounts.roles import Role
from stylesearch.accounts.users import LONGEST_EMAIL, LONGEST_NAME, add_user, change_user, find_user
from stylesearch.catalog.people import USER_ROLES, User
from stylesearch.errors import InputError
from stylesearch.search.examples import LARGEST_ID
from web import errors
from web.admin.blueprint import NUMBER, admin, done
from web.forms import choice, text, whole
from web.identity import require
from web.services import services


@admin.get("/users")
@require("admin")
def users() -> Response:
    """Show users."""
    return _page()


@admin.post("/users")
@require("admin")
def users_add() -> AnyResponse:
    """Add a user, and show the link by which they set a password."""
    try:
        with services().database.session() as session:
            user = add_user(
                session,
                email=text("email", LONGEST_EMAIL),
                name=text("name", LONGEST_NAME),
                role=Role(choice("role", USER_ROLES)),
            )
            link = invitations.invite(session, user)
    except InputError as error:
        return _page(problem=error)
    return _with_link(user, link)


@admin.get(f"/users/<{NUMBER}>")
@require("admin")
def user(number: int) -> str:
    """Show a user."""
    with services().database.session() as session:
        return render_template("admin/user.html", user=find_user(session, number), roles=USER_ROLES)


@admin.post(f"/users/<{NUMBER}>")
@require("admin")
def user_change(number: int) -> AnyResponse:
    """Change a user."""
    with services().database.session() as session:
        change_user(
            session,
            number,
            version=whole("version", 1, LARGEST_ID),
            name=text("name", LONGEST_NAME),
            role=Role(choice("role", USER_ROLES)),
            disabled=request.form.get("disabled") == "yes",
        )
    return done("The user is changed.", "admin.users")


@admin.post(f"/users/<{NUMBER}>/invite")
@require("admin")
def user_invite(number: int) -> AnyResponse:
    """Show a new link by which a user sets a password."""
    with services().database.session() as session:
        found = find_user(session, number)
        link = invitations.invite(session, found)
    return _with_link(found, link)


def _page(problem: InputError | None = None) -> Response:
    with services().database.session() as session:
        rows = session.scalars(select(User).order_by(User.disabled_at.is_not(None), User.email)).all()
        page = render_template("admin/users.html", users=rows, roles=USER_ROLES, problem=problem)
    return Response(page, status=errors.status_of(problem) if problem else 200)


def _with_link(user: User, link: str) -> Response:
    address = url_for("sign_in.invitation", text=link, _external=True)
    page = render_template("admin/invited.html", user=user, address=address, days=invitations.LASTS.days)
    response = Response(page)
    response.headers["Cache-Control"] = "no-store"
    return response
