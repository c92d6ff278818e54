"""``stylesearch users``: who may sign in. The first administrator is made here; there is no password to begin with."""

from __future__ import annotations

import sys

import click
from rich.table import Table
from sqlalchemy import select

from stylesearch.accounts.invitations import LASTS, invite
from stylesearch.accounts.roles import Role
from stylesearch.accounts.users import add_user, change_user, find_user, set_password
from stylesearch.catalog.database import open_database
from stylesearch.catalog.people import USER_ROLES, User
from stylesearch.cli.progress import console
from stylesearch.errors import InputError
from stylesearch.settings import get_settings

_role = click.Choice(USER_ROLES)
_from_stdin = click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input, one line."
)


@click.group()
def users() -> None:
    """Add users, change what they may, and let go of them.

    A viewer sees collections for viewers, a curator also those for the staff, and the pages on ingestion; an admin
    everything.
    """


@users.command("list")
def list_() -> None:
    """List users with their roles."""
    table = Table("E-mail address", "Name", "Role", "Signs in with", "Last signed in", "State")
    with open_database(get_settings()).session() as session:
        for user in session.scalars(select(User).order_by(User.email)):
            ways = [("a password", user.password_hash), ("a provider", user.subject)]
            last = user.signed_in_at.isoformat(" ", "minutes") if user.signed_in_at else "never"
            state = "disabled" if user.disabled_at else "active"
            how = " and ".join(name for name, there in ways if there) or "nothing yet"
            table.add_row(user.email, user.name, user.role, how, last, state)
    console.print(table if table.row_count else "There is no user yet: 'stylesearch users add' adds one.")


@users.command()
@click.argument("email")
@click.option("--name", help="Name to show; default: the address.")
@click.option("--role", type=_role, default=Role.VIEWER.value, show_default=True, help="What they may do.")
@click.option(
    "--invite", "by_link", is_flag=True, help="Set no password; print the path of a link by which they do."
)
@_from_stdin
def add(email: str, name: str | None, role: str, by_link: bool, password_stdin: bool) -> None:
    """Add the user EMAIL; the password is asked for, unless a link is wanted."""
    password = None if by_link else _ask(stdin=password_stdin)
    with open_database(get_settings()).session() as session:
        user = add_user(session, email=email, name=name or email, role=Role(role), password=password)
        path = invite(session, user) if by_link else None
    click.echo(f"{user.email}: {role}")
    if path is not None:
        _show_link(path)


@users.command()
@click.argument("email")
@click.argument("role", type=_role)
def role(email: str, role: str) -> None:
    """Let the user EMAIL have another ROLE."""
    with open_database(get_settings()).session() as session:
        user = change_user(session, find_user(session, email).id, role=Role(role))
    click.echo(f"{user.email}: {user.role}")


@users.command()
@click.argument("email")
@_from_stdin
def password(email: str, password_stdin: bool) -> None:
    """Give the user EMAIL another password; everything that is signed in with the one before ends."""
    with open_database(get_settings()).session() as session:
        find_user(session, email)
    new = _ask(stdin=password_stdin)
    with open_database(get_settings()).session() as session:
        set_password(session, find_user(session, email), new)
    click.echo(f"{email}: the password is changed")


@users.command("invite")
@click.argument("email")
def invite_(email: str) -> None:
    """Print the path of a link by which the user EMAIL sets a password."""
    with open_database(get_settings()).session() as session:
        path = invite(session, find_user(session, email))
    _show_link(path)


@users.command()
@click.argument("email")
def disable(email: str) -> None:
    """Let the user EMAIL in no more. Sign-ins and tokens end at once."""
    _set_disabled(email, disabled=True)


@users.command()
@click.argument("email")
def enable(email: str) -> None:
    """Let the user EMAIL in again."""
    _set_disabled(email, disabled=False)


def _set_disabled(email: str, *, disabled: bool) -> None:
    with open_database(get_settings()).session() as session:
        user = change_user(session, find_user(session, email).id, disabled=disabled)
    click.echo(f"{user.email}: {'disabled' if disabled else 'active'}")


def _show_link(text: str) -> None:
    click.echo(
        f"Open /invitations/{text} on the portal, once, within {LASTS.days} days.",
    )


def _ask(*, stdin: bool) -> str:
    if stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise InputError(
            "There is nobody to ask for a password.",
            hint="Use --password-stdin, or --invite.",
            code="password",
        )
    return str(click.prompt("Password", hide_input=True, confirmation_prompt="The same again"))
