"""``stylesearch tokens``: keys with which programs use the API."""

from __future__ import annotations

import click
from rich.table import Table

from stylesearch.accounts.roles import SCOPES
from stylesearch.accounts.tokens import list_tokens, make_token, revoke_token
from stylesearch.accounts.users import find_user
from stylesearch.catalog.database import open_database
from stylesearch.cli.progress import console
from stylesearch.settings import get_settings


@click.group()
def tokens() -> None:
    """Make, list and revoke the tokens with which programs use the API.

    A token asks on behalf of a user, never may more than they, and ends with them.
    """


@tokens.command()
@click.argument("email")
@click.option("--label", required=True, help="What it is for.")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(list(SCOPES)),
    multiple=True,
    default=["read"],
    show_default=True,
    help="What it may do; may be given several times.",
)
@click.option("--days", type=int, default=90, show_default=True, help="How long it holds; 0 for no end.")
def make(email: str, label: str, scopes: tuple[str, ...], days: int) -> None:
    """Make a token of the user EMAIL, and print it: this once, nobody can look it up later."""
    with open_database(get_settings()).session() as session:
        user = find_user(session, email)
        _, text = make_token(session, user, label=label, scopes=scopes, days=days or None)
    click.echo(text)


@tokens.command("list")
@click.option("--user", "email", help="E-mail address of the only user to look at.")
def list_(email: str | None) -> None:
    """List tokens: what they are for, and when they end."""
    table = Table("Number", "User", "Label", "Begins with", "Scopes", "Ends", "Last used")
    with open_database(get_settings()).session() as session:
        only = find_user(session, email).id if email else None
        for token, user in list_tokens(session, only):
            ends, used = (
                moment.isoformat(" ", "minutes") if moment else "never"
                for moment in (token.expires_at, token.last_used_at)
            )
            scopes = ", ".join(token.scopes)
            table.add_row(str(token.id), user.email, token.label, token.beginning, scopes, ends, used)
    console.print(table if table.row_count else "There is no token yet.")


@tokens.command()
@click.argument("number", type=int)
def revoke(number: int) -> None:
    """Have the token NUMBER be none any more, from the next request on."""
    with open_database(get_settings()).session() as session:
        token = revoke_token(session, number)
    click.echo(f"{token.label}: revoked")
